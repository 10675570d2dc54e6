// Goal: code for one kind of store stops at the other kind.

import test from 'ava';
import { assertDisk, assertRam } from '../../lib/fs/store-kinds.js';
import { FsMachine } from './fs-fixture.js';

test('a device is under ext4 and xfs, memory under tmpfs', async (t) => {
  const m = new FsMachine();
  const ext4 = await m.make('ext4');
  const tmpfs = await m.make('tmpfs');
  t.is(assertDisk(ext4.mount), ext4.mount.disk!);
  t.is(assertRam(tmpfs.mount), tmpfs.mount.ram!);
  t.throws(() => assertDisk(tmpfs.mount), { message: /is on no device/ });
  t.throws(() => assertRam(ext4.mount), { message: /is not in memory/ });
  await m.end(t);
});
