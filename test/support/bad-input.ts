// Bad input for every public call: what is wrong with a value, which errno says so, and which word
// of the message names the argument.

import type { ErrnoCode } from '../../lib/errno.js';

export interface Kind {
  /** How a message names an argument of this kind. */
  readonly says: RegExp;
  readonly codes: readonly ErrnoCode[];
  readonly values: readonly (readonly [what: string, value: unknown])[];
}

const noNumbers = [
  ['NaN', NaN],
  ['1.5', 1.5],
  ['2^53', 2 ** 53],
  ['Infinity', Infinity],
  ['a string', '4096'],
  ['null', null],
  ['an object', {}],
  ['a symbol', Symbol('bad')],
  ['a bigint', 4096n],
] as const;

const notWhole = [['-1', -1], ...noNumbers] as const;
const missing = ['undefined', undefined] as const;

const noStrings = [
  missing,
  ['null', null],
  ['a number', 7],
  ['an object', {}],
  ['a symbol', Symbol('bad')],
] as const;

const kind = (says: RegExp, codes: readonly ErrnoCode[], values: Kind['values']): Kind => ({
  says,
  codes,
  values,
});

export const kinds = {
  /** fget(): whatever is no open descriptor is EBADF. */
  fd: kind(/descriptor/, ['EBADF'], [...notWhole, missing, ['one that is not open', 777]]),
  /** A descriptor to make: EBADF (dup2) or EINVAL (F_DUPFD) past the limit. */
  newFd: kind(/descriptor/, ['EBADF', 'EINVAL'], [...notWhole, ['past the limit', 5000]]),
  pos: kind(/position/, ['EINVAL'], [...notWhole, missing]),
  off: kind(/off|position/, ['EINVAL'], [...notWhole, missing]),
  len: kind(/length/, ['EINVAL'], [...notWhole, missing]),
  /** io_buffer_validate() has EFAULT for 0. */
  uringLen: kind(/length/, ['EINVAL', 'EFAULT'], [...notWhole, missing, ['0', 0]]),
  /** Lengths that must not be zero. */
  someLen: kind(/length/, ['EINVAL'], [...notWhole, missing, ['0', 0]]),
  addr: kind(/address|addr/, ['EINVAL', 'EFAULT', 'ENOMEM'], [...notWhole, missing]),
  pageAddr: kind(/address|addr/, ['EINVAL'], [...notWhole, missing, ['no page', 4097]]),
  path: kind(
    /path/,
    ['EFAULT', 'EINVAL', 'ENOENT', 'ENAMETOOLONG'],
    [
      ...noStrings,
      ['empty', ''],
      ['one with a NUL', '/da\0ta'],
      ['one of 5000 bytes', `/${'x/'.repeat(2500)}`],
      ['one with a name of 300 bytes', `/${'x'.repeat(300)}`],
    ],
  ),
  missingPath: kind(
    /path/,
    ['ENOENT', 'ENOTDIR'],
    [
      ['one that is not there', '/no/such'],
      ['one below a file', '/data/x'],
    ],
  ),
  mode: kind(/mode/, ['EINVAL'], notWhole),
  id: kind(/uid|gid/, ['EINVAL'], noNumbers),
  nth: kind(/nth/, ['EINVAL'], [...notWhole, missing, ['2^32', 2 ** 32]]),
  pid: kind(/pid/, ['ESRCH', 'EINVAL'], [...notWhole, missing, ['nobody', 4242]]),
  name: kind(
    /./,
    ['EINVAL', 'EOPNOTSUPP'],
    [
      ...noStrings,
      ['an unknown one', 'bogus'],
      ['toString', 'toString'],
      ['__proto__', '__proto__'],
    ],
  ),
  signal: kind(
    /signal/,
    ['EINVAL'],
    [
      ...noStrings,
      ['an unknown one', 'SIGBOGUS'],
      ['toString', 'toString'],
      ['a real-time one too high', 'SIGRTMIN+99'],
    ],
  ),
  flags: kind(
    /flag|access mode/,
    ['EINVAL'],
    [
      ['null', null],
      ['a number', 2],
      ['a string', 'rdwr'],
      ['an unknown one', ['bogus']],
      ['a number in the list', [7]],
      ['read-only and write-only', ['rdonly', 'wronly']],
    ],
  ),
  data: kind(
    /data|buffer/,
    ['EFAULT', 'EINVAL'],
    [
      ...noStrings,
      ['a string', 'abc'],
      ['an array', [1, 2, 3]],
      ['an ArrayBuffer', new ArrayBuffer(8)],
    ],
  ),
  uid: kind(/uid/, ['EINVAL'], [...notWhole, missing, ['-1 as 32 bits', 2 ** 32 - 1]]),
  exitCode: kind(
    /code/,
    ['EINVAL'],
    noNumbers.filter(([what]) => what !== '2^53'),
  ),
  limit: kind(
    /limit|soft/,
    ['EINVAL', 'EFAULT'],
    [
      ['-1', -1],
      ['NaN', NaN],
      ['1.5', 1.5],
      ['2^53', 2 ** 53],
      ['a string', '64'],
      ['null', null],
      missing,
      ['a soft above the hard', { soft: 10, hard: 5 }],
      ['an empty object', {}],
    ],
  ),
  handler: kind(/handler/, ['EINVAL', 'EFAULT'], [...noStrings, ['a string', 'ignore']]),
  signals: kind(
    /signal/,
    ['EINVAL'],
    [
      missing,
      ['null', null],
      ['a number', 7],
      ['a string', 'SIGUSR1'],
      ['an unknown one in the list', ['SIGUSR1', 'SIGBOGUS']],
      ['a number in the list', [10]],
    ],
  ),
  node: kind(
    /device|node|path/,
    ['ENOENT', 'EFAULT', 'EINVAL'],
    [
      ...noStrings,
      ['empty', ''],
      ['unknown', 'rdma7'],
      ['a path', '/dev/rdma0'],
      ['toString', 'toString'],
    ],
  ),
  request: kind(
    /request|ioctl/,
    ['ENOTTY', 'EINVAL'],
    [...noStrings, ['unknown', 'BOGUS'], ['toString', 'toString'], ['__proto__', '__proto__']],
  ),
  pollOptions: kind(
    /poll|timeout|events/,
    ['EINVAL', 'EFAULT'],
    [
      ['null', null],
      ['a number', 7],
      ['a timeout of -1', { timeoutNs: -1 }],
      ['a timeout of NaN', { timeoutNs: NaN }],
      ['a timeout that is a string', { timeoutNs: '5' }],
      ['events that are no list', { events: 7, timeoutNs: 0 }],
      ['an unknown event', { events: ['BOGUS'], timeoutNs: 0 }],
    ],
  ),
  object: kind(
    /./,
    ['EINVAL', 'EFAULT'],
    [missing, ['null', null], ['a number', 7], ['a string', 'x']],
  ),
} as const satisfies Record<string, Kind>;

export type KindName = keyof typeof kinds;
