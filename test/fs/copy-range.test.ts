// Goal: copy_file_range copies what a read and a write would, as much as there is, and is refused
// in the kernel's order.

import test from 'ava';
import { copyRange, type CopyRange } from '../../lib/fs/copy-range.js';
import { changeFlags } from '../../lib/fs/inode-flags.js';
import type { OpenFile } from '../../lib/fs/open-file.js';
import { bytesOf, FsMachine, KiB, MiB, outcome, PAGES, runs } from './fs-fixture.js';

for (const [flavor, dax] of [
  ['ext4', true],
  ['ext4', false],
  ['xfs', 'inode'],
  ['tmpfs', false],
] as const) {
  test(`${flavor}, dax=${dax}: what is copied is there, with the size it makes`, async (t) => {
    const m = new FsMachine();
    const fs = await m.make(flavor, { dax });
    const app = m.process();
    const [from, to] = [await app.open(fs, '/from'), await app.open(fs, '/to')];
    await app.write(from, 0, bytesOf('a', 100 * KiB));
    await app.write(from, 100 * KiB, bytesOf('b', 10));
    const copy = (pos: number, toPos: number, len: number) =>
      app.call((c) => copyRange(c, { from, pos, to, toPos, len }));
    t.is(await copy(0, 4, MiB), 100 * KiB + 10, 'up to the end');
    t.is(to.stat().size, 100 * KiB + 14);
    t.is(runs(await app.read(to, 0, MiB)), `00*4,61*${100 * KiB},62*10`);
    t.is(await copy(100 * KiB + 10, 0, 1), 0, 'nothing is there');
    t.is(await copy(5, 0, 0), 0);
    const inside = { from, pos: 100 * KiB, to: from, toPos: 0, len: 10 };
    t.is(await app.call((c) => copyRange(c, inside)), 10);
    t.is(runs(await app.read(from, 0, 12)), '62*10,61*2', 'within one file');
    await m.end(t);
  });
}

test('refusals come in the order of generic_copy_file_checks', async (t) => {
  const m = new FsMachine();
  const [fs, second] = [await m.make('ext4'), await m.make('ext4')];
  const app = m.process();
  const file = await app.open(fs, '/f');
  await app.write(file, 0, bytesOf('f', PAGES(2)));
  const other = await app.open(fs, '/g');
  const elsewhere = await app.open(second, '/f');
  const fixed = await app.open(fs, '/fixed');
  await app.call((c) => changeFlags(c, fixed.inode, { immutable: true }));
  const reading = await app.open(fs, '/f', ['rdonly']);
  const dir = await app.open(fs, '/', ['rdonly']);
  const max = Number.MAX_SAFE_INTEGER;
  const rows: readonly (readonly [
    string,
    OpenFile | null,
    OpenFile,
    Partial<CopyRange>,
    string,
  ])[] = [
    ['a directory', dir, file, {}, 'EISDIR'],
    ['into a directory, from none', null, dir, {}, 'EISDIR'],
    ['a pipe', null, file, {}, 'EINVAL'],
    ['into a file for reading', elsewhere, reading, {}, 'EBADF'],
    ['another mount', elsewhere, fixed, {}, 'EXDEV'],
    ['into an immutable file', file, fixed, { len: max, pos: 1 }, 'EPERM'],
    ['an end past all numbers', file, other, { pos: 1, len: max }, 'EOVERFLOW'],
    ['past the largest file', file, other, { toPos: 2 ** 44 }, 'EFBIG'],
    ['onto itself', file, file, { toPos: PAGES(1) - 1 }, 'EINVAL'],
    ['before the start', file, other, { pos: -1 }, 'EINVAL'],
    ['into what is before the start', file, other, { toPos: -1 }, 'EINVAL'],
    ['no number', file, other, { pos: 'x' as never }, 'EINVAL'],
    ['less than nothing', file, other, { len: -1 }, 'EINVAL'],
  ];
  for (const [what, from, to, over, code] of rows) {
    const range = { from, pos: 0, to, toPos: 0, len: PAGES(1), ...over };
    t.is(await outcome(app.call((c) => copyRange(c, range))), code, what);
  }
  t.is(other.stat().size, 0);
  await m.end(t);
});

test('a copy that runs out of space says how much it copied, the next that there is none', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('ext4', { dax: true });
  const app = m.process();
  const [from, to] = [await app.open(fs, '/from'), await app.open(fs, '/to')];
  const { free, blockSize } = fs.statfs();
  await app.write(from, 0, bytesOf('a', 40 * PAGES(1)));
  const ballast = await app.open(fs, '/ballast');
  const room = (free - 40 - 24) * blockSize;
  await app.call((c) => ballast.fallocate(c, 'alloc', 0, room));
  const range = { from, pos: 0, to, toPos: 0, len: 40 * PAGES(1) };
  const nr = await app.call((c) => copyRange(c, range));
  t.true(nr > 0 && nr < range.len, `${nr}`);
  t.is(to.stat().size, nr);
  const rest = { ...range, pos: nr, toPos: nr };
  t.is(await outcome(app.call((c) => copyRange(c, rest))), 'ENOSPC');
  app.fsize = 10;
  t.is(await outcome(app.call((c) => copyRange(c, range))), 'ok', 'as much as RLIMIT_FSIZE lets');
  t.is(await outcome(app.call((c) => copyRange(c, { ...range, toPos: 10 }))), 'EFBIG');
  t.deepEqual(app.signals, ['SIGXFSZ']);
  app.fsize = Infinity;
  await m.end(t);
});
