// Goal: memory and pins of a case are calls of an application: a map is an address with a length,
// `off` counts from its start, a pin lives in a pipe.

import test from 'ava';
import { answers, answersOf, stepsOf, type Script } from './scene.js';

const file = { op: 'open', on: 'ext4', name: 'f', as: 'f' } as const;
const map = { op: 'mmap', fd: 'f', len: 8192, as: 'm' } as const;
const anon = { op: 'mmap', len: 8192, share: 'private', as: 'a' } as const;

const scripts: readonly (readonly [what: string, script: Script])[] = [
  [
    'stores reach the file, and loads past its end are SIGBUS',
    [
      [file, 'ok'],
      [{ op: 'write', fd: 'f', off: 0, byte: '00', len: 4096 }, 4096],
      [map, 'ok'],
      [{ op: 'store', map: 'm', off: 1, byte: '7f', len: 2 }, 'ok'],
      [{ op: 'read', fd: 'f', off: 0, len: 4 }, '00*1,7f*2,00*1'],
      [{ op: 'load', map: 'm', off: 4096, len: 1 }, 'SIGBUS'],
      [{ op: 'mprotect', map: 'm', prot: 'r' }, 'ok'],
      [{ op: 'store', map: 'm', off: 0, byte: '01', len: 1 }, 'SIGSEGV'],
      [{ op: 'munmap', map: 'm', off: 0, len: 4096 }, 'ok'],
      [{ op: 'load', map: 'm', off: 0, len: 1 }, 'SIGSEGV'],
    ],
  ],
  [
    'a pin holds the bytes that were there, and answers them when it is given back',
    [
      [anon, 'ok'],
      [{ op: 'store', map: 'a', off: 0, byte: '11', len: 4096 }, 'ok'],
      [{ op: 'pin', map: 'a', len: 4096, as: 'p' }, 4096],
      [{ op: 'unpin', pin: 'p' }, '11*4096'],
      [{ op: 'unpin', pin: 'p' }, 'no handle'],
      [{ op: 'pin', map: 'a', off: 1048576, len: 4096 }, 'EFAULT'],
    ],
  ],
  [
    'advice, locks and rings are answered by errno',
    [
      [anon, 'ok'],
      [{ op: 'mlock', map: 'a' }, 'ok'],
      [{ op: 'madvise', map: 'a', advice: 'dontneed' }, 'EINVAL'],
      [{ op: 'madvise', map: 'a', advice: 'bogus' }, 'EINVAL'],
      [{ op: 'uring_reg', map: 'a', as: 'r' }, 'ok'],
      [{ op: 'vmpin' }, 2],
      [{ op: 'uring_close', ring: 'r' }, 'ok'],
      [{ op: 'vmpin' }, 0],
    ],
  ],
  [
    'direct I/O moves blocks to and from a mapping',
    [
      [{ ...file, flags: ['rdwr', 'creat', 'direct'] }, 'ok'],
      [anon, 'ok'],
      [{ op: 'store', map: 'a', off: 0, byte: '22', len: 8192 }, 'ok'],
      [{ op: 'dio', fd: 'f', dir: 'write', off: 0, len: 4096, map: 'a' }, 4096],
      [{ op: 'store', map: 'a', off: 0, byte: '00', len: 8192 }, 'ok'],
      [{ op: 'dio', fd: 'f', dir: 'read', off: 0, len: 4096, map: 'a', moff: 4096 }, 4096],
      [{ op: 'load', map: 'a', off: 0, len: 8192 }, '00*4096,22*4096'],
      [{ op: 'dio', fd: 'f', dir: 'read', off: 1, len: 4096, map: 'a' }, 'EINVAL'],
    ],
  ],
];

for (const [what, script] of scripts) {
  test(what, async (t) => {
    t.deepEqual(await answers(stepsOf(script)), answersOf(script));
  });
}
