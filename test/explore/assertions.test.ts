// Goal: assertions for tasks throw what an exploration can tell, and pass what is true.

import test from 'ava';
import { raceAssertions as r } from '../../lib/explore/assertions.js';
import { Errno } from '../../lib/errno.js';

const refuse = async (): Promise<void> => {
  throw new Errno('EBUSY', 'pinned');
};

test('what is true passes, what is not throws an AssertionError', (t) => {
  const table: readonly [() => void, () => void][] = [
    [() => r.is(NaN, NaN), () => r.is(1, 2)],
    [() => r.not(1, 2), () => r.not(1, 1)],
    [() => r.true(true), () => r.true(1)],
    [() => r.false(false), () => r.false(0)],
    [() => r.assert(1), () => r.assert(0)],
    [() => r.deepEqual([1], [1]), () => r.deepEqual([1], [2])],
    [() => r.notDeepEqual([1], [2]), () => r.notDeepEqual([1], [1])],
    [() => r.regex('abc', /b/), () => r.regex('abc', /d/)],
    [() => void r.throws(() => JSON.parse('{')), () => void r.throws(() => 1)],
  ];
  for (const [good, bad] of table) {
    t.notThrows(good);
    t.throws(bad, { name: 'AssertionError' });
  }
  t.throws(() => r.fail('no'), { message: 'no' });
});

test('a refusal is expected by its code', async (t) => {
  const error = await r.throwsAsync(refuse, { code: 'EBUSY', message: /pinned/, name: 'Errno' });
  t.true(error instanceof Errno);
  await t.throwsAsync(r.throwsAsync(refuse, { code: 'EINTR' }), { name: 'AssertionError' });
  await t.throwsAsync(
    r.throwsAsync(async () => {}),
    { message: 'did not throw' },
  );
  await t.throwsAsync(r.notThrowsAsync(refuse), { message: /EBUSY/ });
  await t.notThrowsAsync(r.notThrowsAsync(async () => {}));
});
