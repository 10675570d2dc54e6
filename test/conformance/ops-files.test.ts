// Goal: file operations of a case are the calls of an application, with the recorder's answers.

import test from 'ava';
import { answers, answersOf, stepsOf, type Script } from './scene.js';

const open = { op: 'open', on: 'ext4-dax', name: 'f', as: 'f' } as const;

const scripts: readonly (readonly [what: string, script: Script])[] = [
  [
    'write, read and size count bytes',
    [
      [open, 'ok'],
      [{ op: 'write', fd: 'f', off: 4096, byte: '5a', len: 4096 }, 4096],
      [{ op: 'size', fd: 'f' }, 8192],
      [{ op: 'read', fd: 'f', off: 0, len: 8192 }, '00*4096,5a*4096'],
      [{ op: 'read', fd: 'f', off: 8192, len: 1 }, 'empty'],
      [{ op: 'fsync', fd: 'f' }, 'ok'],
      [{ op: 'truncate', fd: 'f', len: 100 }, 'ok'],
      [{ op: 'truncate_path', on: 'ext4-dax', name: 'f', len: 10 }, 'ok'],
      [{ op: 'size', fd: 'f' }, 10],
      [{ op: 'truncate', fd: 'f', len: -1 }, 'EINVAL'],
    ],
  ],
  [
    'free blocks count from the last mark',
    [
      [open, 'ok'],
      [{ op: 'free_mark', on: 'ext4-dax' }, 'ok'],
      [{ op: 'fallocate', fd: 'f', mode: 'alloc', off: 0, len: 16384 }, 'ok'],
      [{ op: 'free_delta', on: 'ext4-dax' }, -4],
      [{ op: 'fallocate', fd: 'f', mode: 'punch', off: 0, len: 4096 }, 'ok'],
      [{ op: 'free_delta', on: 'ext4-dax' }, -3],
      [{ op: 'fallocate', fd: 'f', mode: 'bogus', off: 0, len: 4096 }, 'EOPNOTSUPP'],
    ],
  ],
  [
    'names come and go',
    [
      [open, 'ok'],
      [{ op: 'rename', on: 'ext4-dax', frm: 'f', to: 'g' }, 'ok'],
      [{ op: 'unlink', on: 'ext4-dax', name: 'f' }, 'ENOENT'],
      [{ op: 'unlink', on: 'ext4-dax', name: 'g' }, 'ok'],
      [{ op: 'close', fd: 'f' }, 'ok'],
      [{ op: 'close', fd: 'f' }, 'no handle'],
      [{ ...open, flags: ['rdonly'] }, 'ENOENT'],
    ],
  ],
];

for (const [what, script] of scripts) {
  test(what, async (t) => {
    t.deepEqual(await answers(stepsOf(script)), answersOf(script));
  });
}
