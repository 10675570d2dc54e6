// Goal: the display shows what it read, from where it was told to.

import test from 'ava';
import { tryFormat } from '../../../drivers/v4l2/formats.js';
import { Display } from '../../../drivers/v4l2/display.js';

const mode = tryFormat([{ width: 640, height: 360 }], {
  width: 640,
  height: 360,
  pixelformat: 'GREY',
});

test('a picture is fetched whole, from a position in the buffer', async (t) => {
  const display = new Display();
  display.configure(mode);
  const memory = Uint8Array.from({ length: mode.sizeimage + 100 }, (_, i) => i % 251);
  await display.show(
    {
      async read(pos, target) {
        target.set(memory.subarray(pos, pos + target.length));
      },
    },
    [100],
  );
  t.deepEqual(display.picture, memory.subarray(100));
  t.is(display.nrShown, 1);
});

test('a picture that could not be read is not counted', async (t) => {
  const display = new Display();
  await t.throwsAsync(display.show({ read: async () => {} }), { message: /not configured/ });
  display.configure(mode);
  const read = () => Promise.reject(new Error('gone'));
  await t.throwsAsync(display.show({ read }), { message: 'gone' });
  t.is(display.nrShown, 0);
});
