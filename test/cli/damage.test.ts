// Goal: a damaged image is refused with an errno or mounted with its files as they were, and what
// fsck repaired is sound. A sample of all bytes; `npm run torture -- --damage 1` tries each.

import test from 'ava';
import { flipBytes, garbage, soundImage, tryImage } from '../../lib/cli/damage.js';
import { isErrno } from '../../lib/errno.js';
import { fsckPartition } from '../../lib/fs/fsck.js';
import { devicePartition } from '../../lib/fs/partition.js';
import { DaxDevice } from '../../lib/mm/dax-device.js';
import { KiB, PAGE_SIZE } from '../../lib/units.js';

for (const clean of [true, false]) {
  test(`a changed byte is survived, ${clean ? 'clean' : 'with a log to replay'}`, async (t) => {
    const { images, failures } = await flipBytes(clean, 2711, clean ? 5 : 11);
    t.true(images > 100);
    t.deepEqual(failures, []);
  });
}

test('garbage is survived', async (t) => {
  const { refused, failures } = await garbage(3, 16);
  t.deepEqual(failures, []);
  t.true(refused >= 8);
});

test('the sound image is mounted', async (t) => {
  for (const clean of [true, false]) {
    const { bytes, files } = await soundImage(clean);
    t.is(await tryImage(bytes, files), 'mounted');
  }
});

test('cut off after any block it is refused', async (t) => {
  const { bytes } = await soundImage(true);
  for (let len = 64 * KiB; len < bytes.length; len += PAGE_SIZE) {
    using device = DaxDevice.memory(len);
    device.write(0, bytes.subarray(0, len));
    const e = await t.throwsAsync(fsckPartition(devicePartition(device, 0, len), true));
    t.true(isErrno(e, 'EUCLEAN') || isErrno(e, 'EINVAL'), `${len} bytes`);
  }
});
