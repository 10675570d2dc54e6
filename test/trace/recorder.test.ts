// Goal: a recorder keeps what its own machine did, in order, and hears nothing after it stopped.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { Mutex, Scheduler } from '../../lib/sched/index.js';
import { TraceRecorder, tracepoints } from '../../lib/trace/index.js';

test.serial(
  'locks and waits of the recorded machine are slices, those of others absent',
  async (t) => {
    const [mine, other] = [0, 1].map(() => new Scheduler({ mode: 'simulated' })) as [
      Scheduler,
      Scheduler,
    ];
    using recorder = new TraceRecorder(mine);
    for (const sched of [mine, other]) {
      const mutex = new Mutex(sched, 'mmap_lock');
      await sched.run('main', async () => {
        for (const name of ['a', 'b']) {
          sched.spawn(name, async (task) => {
            using _guard = await mutex.guard(task);
            await sched.clock.sleep(task, 1000);
          });
        }
      });
    }
    const seen = recorder.events.map((e) => `${e.task} ${e.name} ${e.phase} ${e.atNs}`);
    t.deepEqual(seen, [
      'a lock begin 0',
      'a wait begin 0',
      'b wait begin 0',
      'a wait end 1000',
      'a lock end 1000',
      'b wait end 1000',
      'b lock begin 1000',
      'b wait begin 1000',
      'b wait end 2000',
      'b lock end 2000',
    ]);
  },
);

test.serial('switches are recorded when asked for', async (t) => {
  const sched = new Scheduler({ mode: 'simulated', seed: 1 });
  using recorder = new TraceRecorder(sched, { names: ['sched_switch'] });
  await sched.run('main', async () => {
    sched.spawn('a', async () => sched.at(1));
  });
  t.deepEqual(
    recorder.events.map((e) => e.args['next']),
    ['main', 'a'],
  );
});

test.serial('after stop() nothing is heard, and the tracepoints are off', (t) => {
  const source = { clock: { nowNs: 0 }, current: null };
  const recorder = new TraceRecorder(source);
  tracepoints.signal.emit(source, { sig: 'SIGIO' });
  recorder.stop();
  t.false(tracepoints.signal.on);
  tracepoints.signal.emit(source, { sig: 'SIGIO' });
  t.deepEqual(recorder.names(), ['signal']);
  recorder.clear();
  t.deepEqual(recorder.names(), []);
});

test.serial('past its limit a recorder keeps the newest events and counts the rest', (t) => {
  const source = { clock: { nowNs: 0 }, current: null };
  using recorder = new TraceRecorder(source, { limit: 10 });
  for (let n = 0; n < 25; n++) tracepoints.dma.emit(source, { n });
  t.is(recorder.events.length + recorder.nrDropped, 25);
  t.true(recorder.events.length <= 10);
  t.is(recorder.events.at(-1)?.args['n'], 24);
});

test.serial('the written file is the document', async (t) => {
  const source = { clock: { nowNs: 1500 }, current: { id: 1, name: 'app' } };
  using recorder = new TraceRecorder(source);
  tracepoints.fault.emit(source, { addr: 4096 });
  const folder = await mkdtemp(join(tmpdir(), 'trace-'));
  try {
    const file = join(folder, 'trace.json');
    await recorder.writePerfetto(file, { title: 'machine 1' });
    t.deepEqual(
      JSON.parse(await readFile(file, 'utf8')),
      JSON.parse(JSON.stringify(recorder.toJSON({ title: 'machine 1' }))),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
  t.true(recorder.timeline().includes('fault addr=4096'));
});
