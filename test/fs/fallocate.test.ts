// Goal: fallocate refuses and changes what the kernels' own functions do, on each flavor.

import test from 'ava';
import type { FallocMode } from '../../lib/fs/fallocate.js';
import type { KernelName } from '../../lib/kernel-rules.js';
import { bytesOf, FsMachine, MiB, outcome, PAGES, runs } from './fs-fixture.js';

const P = PAGES;

/** A file of 8 pages: mode, position, length, and the answers of ext4 and xfs, and of tmpfs. */
const rows: readonly (readonly [FallocMode, number, number, string, string])[] = [
  ['alloc', 0, P(8), 'ok', 'ok'],
  ['alloc', -1, 1, 'EINVAL', 'EINVAL'],
  ['alloc', 0, 0, 'EINVAL', 'EINVAL'],
  ['alloc', 0, Number.MAX_SAFE_INTEGER, 'EFBIG', 'EFBIG'],
  ['alloc', 0, 512 * MiB, 'ENOSPC', 'ENOSPC'],
  ['keep_size', P(8), P(2), 'ok', 'ok'],
  ['punch', P(1), P(2), 'ok', 'ok'],
  ['punch', 10, 20, 'ok', 'ok'],
  ['punch', P(100), P(1), 'ok', 'ok'],
  ['punch', 0, -4, 'EINVAL', 'EINVAL'],
  ['zero', P(1), P(2), 'ok', 'EOPNOTSUPP'],
  ['zero', 10, P(9), 'ok', 'EOPNOTSUPP'],
  ['collapse', P(1), P(2), 'ok', 'EOPNOTSUPP'],
  ['collapse', 100, P(1), 'EINVAL', 'EOPNOTSUPP'],
  ['collapse', 0, 100, 'EINVAL', 'EOPNOTSUPP'],
  ['collapse', P(4), P(4), 'EINVAL', 'EOPNOTSUPP'],
  ['collapse', P(4), P(5), 'EINVAL', 'EOPNOTSUPP'],
  ['insert', P(1), P(2), 'ok', 'EOPNOTSUPP'],
  ['insert', 100, P(1), 'EINVAL', 'EOPNOTSUPP'],
  ['insert', P(8), P(1), 'EINVAL', 'EOPNOTSUPP'],
  ['insert', P(9), P(1), 'EINVAL', 'EOPNOTSUPP'],
];

for (const flavor of ['ext4', 'xfs', 'tmpfs'] as const) {
  for (const dax of flavor === 'tmpfs' ? [false] : [false, true]) {
    test(`${flavor}${dax ? '-dax' : ''} answers each mode as the table says`, async (t) => {
      for (const [mode, pos, len, block, shmem] of rows) {
        const m = new FsMachine();
        const fs = await m.make(flavor, { dax });
        const app = m.process();
        const file = await app.open(fs, '/f');
        await app.write(file, 0, bytesOf('a', P(8)));
        const before = [file.stat(), fs.statfs(), runs(await app.read(file, 0, P(9)))];
        const got = await outcome(app.call((c) => file.fallocate(c, mode, pos, len)));
        t.is(got, flavor === 'tmpfs' ? shmem : block, `${mode} [${pos}, +${len})`);
        if (got !== 'ok') {
          const after = [file.stat(), fs.statfs(), runs(await app.read(file, 0, P(9)))];
          t.deepEqual(after, before, `${mode} [${pos}, +${len}): a refusal changes nothing`);
        }
        await m.end(t);
      }
    });
  }
}

test('a descriptor that cannot write, a directory and a fixed file are refused', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('ext4');
  const app = m.process();
  await app.close(await app.open(fs, '/f'));
  const ro = await app.open(fs, '/f', ['rdonly']);
  t.is(await outcome(app.call((c) => ro.fallocate(c, 'alloc', 0, 1))), 'EBADF');
  const path = await app.open(fs, '/f', ['path']);
  t.is(await outcome(app.call((c) => path.fallocate(c, 'alloc', 0, 1))), 'EBADF');
  await m.end(t);
});

test('collapse up to the end waits first where ext4 checks late, and always on xfs', async (t) => {
  const late: Readonly<Record<'ext4' | 'xfs', readonly KernelName[]>> = {
    ext4: ['6.12', '7.2', 'proposed'],
    xfs: ['6.1', '6.12', '7.2', 'proposed'],
  };
  for (const flavor of ['ext4', 'xfs'] as const) {
    for (const kernel of ['6.1', '6.12', '7.2'] as const) {
      const m = new FsMachine({ kernel });
      const fs = await m.make(flavor, { dax: true });
      const app = m.process();
      const file = await app.open(fs, '/f');
      await app.write(file, 0, bytesOf('a', P(8)));
      const addr = await app.mmap(file, P(8));
      const { pipe } = await app.pin(addr, P(1));
      const call = app.call((c) => file.fallocate(c, 'collapse', P(4), P(4)));
      t.is(await m.blocks(call), late[flavor].includes(kernel), `${flavor} ${kernel}`);
      await app.unpin(pipe);
      t.is(await outcome(call), 'EINVAL');
      await m.end(t);
    }
  }
});

test('alloc makes room that reads as zeros; keep_size leaves the size', async (t) => {
  for (const flavor of ['ext4', 'tmpfs'] as const) {
    const m = new FsMachine();
    const fs = await m.make(flavor);
    const app = m.process();
    const file = await app.open(fs, '/f');
    const { free } = fs.statfs();
    await app.call((c) => file.fallocate(c, 'keep_size', 0, P(4)));
    t.is(file.stat().size, 0);
    t.is(fs.statfs().free, free - 4);
    await app.call((c) => file.fallocate(c, 'alloc', P(2), P(4)));
    t.is(file.stat().size, P(6));
    t.is(fs.statfs().free, free - 6);
    t.is(runs(await app.read(file, 0, P(7))), `00*${P(6)}`);
    await app.truncate(file, 0);
    t.is(fs.statfs().free, free);
    await m.end(t);
  }
});

test('pages past the end that only keep_size gave are there for a later write', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('ext4', { dax: true });
  const app = m.process();
  const file = await app.open(fs, '/f');
  await app.call((c) => file.fallocate(c, 'keep_size', 0, P(4)));
  const { free } = fs.statfs();
  await app.write(file, P(1), bytesOf('x', P(1)));
  t.is(fs.statfs().free, free);
  t.is(runs(await app.read(file, 0, P(4))), `00*${P(1)},78*${P(1)}`);
  await m.end(t);
});
