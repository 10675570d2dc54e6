// Goal: an operation that a driver leaves out answers as Linux does.

import test from 'ava';
import { type FileOperations, fillOps } from '../../lib/driver/file-operations.js';
import type { Caller } from '../../lib/mm/caller.js';
import type { VMA } from '../../lib/mm/vma.js';

const caller = {} as Caller;
const least: FileOperations<number> = { open: () => 7, release() {} };

const defaults = [
  ['ioctl', 'ENOTTY', () => fillOps('toy0', least).ioctl(7, 'NO', {}, caller)],
  ['mmap', 'ENODEV', () => fillOps('toy0', least).mmap(7, {} as VMA, caller)],
  ['read', 'EINVAL', () => fillOps('toy0', least).read(7, new Uint8Array(1), caller)],
  ['write', 'EINVAL', () => fillOps('toy0', least).write(7, new Uint8Array(1), caller)],
] as const;

for (const [op, code, call] of defaults) {
  test(`${op} that is missing is ${code}`, (t) => {
    const error = t.throws(call) as Error & { code: string; syscall: string };
    t.is(error.code, code);
    t.is(error.syscall, op);
  });
}

test('a node without poll is always ready', (t) => {
  t.deepEqual(
    fillOps('toy0', least).poll(7, () => {}, caller, ['POLLIN']),
    ['POLLIN', 'POLLOUT'],
  );
});

test('a node without library opens as a bare descriptor', (t) => {
  t.is(fillOps('toy0', least).library, null);
});

test('operations keep their own this', (t) => {
  const fops = {
    answer: 42,
    ioctls: { ASK: (_h: number, arg: { plus: number }) => 42 + arg.plus },
    open() {
      return this.answer;
    },
    release() {},
  };
  const ops = fillOps('toy0', fops as FileOperations<number>);
  t.is(ops.open(caller, {} as never), 42);
  t.is(ops.ioctl(42, 'ASK', { plus: 1 }, caller), 43);
});

test('open and release are required', (t) => {
  for (const missing of ['open', 'release'] as const) {
    const fops = { ...least, [missing]: undefined } as unknown as FileOperations<number>;
    t.throws(() => fillOps('toy0', fops), {
      message: new RegExp(`^EINVAL: node toy0: ${missing}`),
    });
  }
});
