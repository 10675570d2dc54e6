// Goal: the loop over frames gives each back when its turn ends, and however it is left, nothing
//   stays: no stream, no mapping, no buffer.

import test from 'ava';
import { readCounter, patternNames } from '../../../drivers/v4l2/patterns.js';
import { Rig } from './rig.js';

function clean(rig: Rig): void {
  rig.t.false(rig.queue.streaming);
  rig.t.is(rig.queue.buffers.size, 0);
  rig.t.is(rig.app.mm.vmas.size, 0);
}

test('frames come in order, with their pixels; break gives everything back', async (t) => {
  const rig = await Rig.open(t, { flags: ['rdwr'] });
  await rig.run(rig.cam.setControl('test_pattern', patternNames.indexOf('Counter')));
  await rig.run(rig.cam.setFormat({ width: 320, height: 180, pixelformat: 'GREY' }));
  const seen: number[] = [];
  const loop = async (): Promise<void> => {
    for await (const frame of rig.cam.frames({ count: 3 })) {
      t.is(readCounter((await frame.bytes()).subarray(0, 320)), frame.sequence);
      t.false(frame.failed);
      t.true(frame.timestampNs > 0);
      seen.push(frame.sequence);
      if (seen.length === 7) break;
    }
  };
  await rig.run(loop());
  t.deepEqual(seen, [0, 1, 2, 3, 4, 5, 6]);
  clean(rig);
});

test('an aborted signal ends the loop while it waits', async (t) => {
  const rig = await Rig.open(t, { flags: ['rdwr'] });
  const abort = new AbortController();
  let seen = 0;
  const loop = (async () => {
    for await (const frame of rig.cam.frames({ signal: abort.signal })) {
      t.is(frame.format.pixelformat, 'YUYV');
      seen++;
    }
  })();
  await rig.sleep(650);
  abort.abort();
  await rig.run(loop);
  t.is(seen, 4);
  clean(rig);
  const again = rig.run(rig.cam.frames({ signal: abort.signal }).next());
  t.is(await again.catch((e: Error) => e.name), 'AbortError');
});

test('an exception in the loop gives everything back', async (t) => {
  const rig = await Rig.open(t, { flags: ['rdwr'] });
  const loop = async (): Promise<void> => {
    for await (const frame of rig.cam.frames()) throw new Error(`frame ${frame.sequence}`);
  };
  await t.throwsAsync(rig.run(loop()), { message: 'frame 0' });
  clean(rig);
});

test('the loop ends with the scene', async (t) => {
  const rig = await Rig.open(t, { flags: ['rdwr'] });
  rig.bench.board.sensor.framesLeft = 3;
  let seen = 0;
  const loop = async (): Promise<void> => {
    for await (const frame of rig.cam.frames()) seen += (await frame.rgb()).length > 0 ? 1 : 0;
  };
  await rig.run(loop());
  t.is(seen, 3);
  clean(rig);
});

test('a file that is O_NONBLOCK polls', async (t) => {
  const rig = await Rig.open(t);
  let png: Uint8Array = new Uint8Array(0);
  const loop = async (): Promise<void> => {
    for await (const frame of rig.cam.frames()) {
      png = await frame.png();
      if (frame.sequence === 2) return;
    }
  };
  await rig.run(loop());
  t.deepEqual([...png.subarray(1, 4)], [...Buffer.from('PNG')]);
  clean(rig);
});
