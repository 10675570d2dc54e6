// Goal: a path leads to the mount with the longest matching mount point, and to the rest of it.

import test from 'ava';
import type { FileSystemOps } from '../../lib/process/file.js';
import { MountTable, normalPath } from '../../lib/process/mount-table.js';

const fsNamed = (name: string): FileSystemOps => ({ name }) as unknown as FileSystemOps;
const root = fsNamed('root');
const data = fsNamed('data');
const deep = fsNamed('deep');

function tree(): MountTable {
  const mounts = new MountTable();
  mounts.mount('/data', data);
  mounts.mount('/', root);
  mounts.mount('/data/deep/', deep);
  return mounts;
}

const leads: [string, FileSystemOps, string][] = [
  ['/', root, '/'],
  ['/f', root, '/f'],
  ['f', root, '/f'],
  ['/dataset', root, '/dataset'],
  ['/data', data, '/'],
  ['/data/', data, '/'],
  ['/data/f', data, '/f'],
  ['/data/d/', data, '/d/'],
  ['/data//./f', data, '/f'],
  ['/data/deep/f', deep, '/f'],
  ['/data/deep/../f', data, '/f'],
  ['/data/../../f', root, '/f'],
  ['/data/f/.', data, '/f/'],
];

for (const [path, fs, rest] of leads) {
  test(`${path} leads to ${(fs as unknown as { name: string }).name}, ${rest}`, (t) => {
    const at = tree().resolve(path);
    t.is(at.fs, fs);
    t.is(at.path, rest);
  });
}

test('an empty path is ENOENT, a long one ENAMETOOLONG', (t) => {
  t.throws(() => normalPath(''), { code: 'ENOENT' });
  t.throws(() => normalPath('x'.repeat(4096)), { code: 'ENAMETOOLONG' });
  t.is(normalPath('x'.repeat(4095)).length, 4096);
});

test('nothing is mounted twice at one point, and unmounting takes it away', (t) => {
  const mounts = tree();
  t.throws(() => mounts.mount('/data', root), { code: 'EBUSY' });
  t.is(mounts.umount('/data/deep'), deep);
  t.is(mounts.resolve('/data/deep/f').fs, data);
  t.throws(() => mounts.umount('/data/deep'), { code: 'EINVAL' });
  t.deepEqual([...mounts.entries()].map(([point]) => point).sort(), ['/', '/data']);
});

test('without a root mount other paths are ENOENT', (t) => {
  const mounts = new MountTable();
  mounts.mount('/data', data);
  t.throws(() => mounts.resolve('/f'), { code: 'ENOENT' });
});
