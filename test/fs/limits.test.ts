// Goal: the limits of the file system and of the caller hold to the byte.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import type { Inode } from '../../lib/fs/inode.js';
import { checkNewSize, writableLen } from '../../lib/fs/limits.js';
import type { Caller } from '../../lib/mm/caller.js';

const inode = { label: 'f', fs: { maxBytes: 1000 } } as unknown as Inode;

function caller(fsize: number) {
  const signals: string[] = [];
  const process = { rlimit: () => fsize, sendSignal: (s: string) => signals.push(s) };
  return { signals, caller: { process } as unknown as Caller };
}

test('a size at the limit is fine, one byte more is EFBIG', (t) => {
  const free = caller(Infinity);
  t.notThrows(() => checkNewSize(free.caller, inode, 1000));
  t.true(
    isErrno(
      t.throws(() => checkNewSize(free.caller, inode, 1001)),
      'EFBIG',
    ),
  );
  t.deepEqual(free.signals, []);
  const tight = caller(10);
  t.notThrows(() => checkNewSize(tight.caller, inode, 10));
  t.true(
    isErrno(
      t.throws(() => checkNewSize(tight.caller, inode, 11)),
      'EFBIG',
    ),
  );
  t.deepEqual(tight.signals, ['SIGXFSZ']);
});

test('a write is cut at the limit, and EFBIG when it starts there', (t) => {
  const { caller: c, signals } = caller(10);
  t.is(writableLen(c, inode, 4, 100), 6);
  t.is(writableLen(c, inode, 4, 6), 6);
  t.is(writableLen(c, inode, 500, 0), 0);
  t.true(
    isErrno(
      t.throws(() => writableLen(c, inode, 10, 1)),
      'EFBIG',
    ),
  );
  t.deepEqual(signals, ['SIGXFSZ']);
  t.is(writableLen(caller(Infinity).caller, inode, 990, 50), 10);
});
