// Goal: leases of a case are fcntl(2), and signals are what the handlers took since last asked.

import test from 'ava';
import { answers, answersOf, stepsOf, type Script } from './scene.js';

const rdonly = { op: 'open', on: 'ext4', name: 'f', flags: ['rdonly'], as: 'f' } as const;
const made: Script = [
  [{ op: 'open', on: 'ext4', name: 'f', as: 'w' }, 'ok'],
  [{ op: 'close', fd: 'w' }, 'ok'],
  [rdonly, 'ok'],
];

test('a lease is taken, seen and given up', async (t) => {
  const script: Script = [
    ...made,
    [{ op: 'getlease', fd: 'f' }, 'F_UNLCK'],
    [{ op: 'lease', fd: 'f', type: 'un' }, 'EAGAIN'],
    [{ op: 'lease', fd: 'f', type: 'rd' }, 'ok'],
    [{ op: 'getlease', fd: 'f' }, 'F_RDLCK'],
    [{ op: 'lease', fd: 'f', type: 'un' }, 'ok'],
    [{ op: 'lease', fd: 'f', type: 'bogus' }, 'EINVAL'],
    [{ op: 'signals' }, 'none'],
  ];
  t.deepEqual(await answers(stepsOf(script)), answersOf(script));
});

test('a broken lease is one SIGIO, and lease-break-time is that of the machine', async (t) => {
  const open = { op: 'open', on: 'ext4', name: 'f', flags: ['rdwr'], by: 'B', bg: true } as const;
  const script: Script = [
    ...made,
    [{ op: 'lease_break_time', s: 2 }, 'ok'],
    [{ op: 'lease', fd: 'f', type: 'rd' }, 'ok'],
    [{ ...open, as: 'late' }, 'blocked'],
    [{ op: 'signals' }, 'SIGIO'],
    [{ op: 'signals' }, 'none'],
    [{ op: 'getlease', fd: 'f' }, 'F_UNLCK'],
    [{ op: 'sleep', ms: 2000 }, 'ok'],
    [{ op: 'finish', by: 'B', of: 'late' }, 'ok'],
  ];
  t.deepEqual(await answers(stepsOf(script)), answersOf(script));
});
