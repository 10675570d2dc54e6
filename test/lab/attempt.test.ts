// Goal: a refusal is a word, and a mistake of ours is never taken for one.

import test from 'ava';
import { Errno } from '../../lib/errno.js';
import { attempt, isRefusal } from '../../lib/lab/attempt.js';
import { MemoryFault, ProcessKilled } from '../../lib/machine.js';

test('what succeeds is ok, what is refused is its errno', async (t) => {
  t.is(await attempt(async () => 7), 'ok');
  t.is(await attempt(() => Promise.reject(new Errno('EBUSY', 'truncate: pinned'))), 'EBUSY');
});

test('the end of the process is a word of its own', async (t) => {
  const killed = Object.create(ProcessKilled.prototype) as ProcessKilled;
  t.is(await attempt(() => Promise.reject(killed)), 'killed');
  t.true(isRefusal(Object.create(MemoryFault.prototype)));
});

test('a mistake of ours is thrown', async (t) => {
  const mistake = new TypeError('no function');
  t.false(isRefusal(mistake));
  await t.throwsAsync(
    attempt(() => Promise.reject(mistake)),
    { is: mistake },
  );
});
