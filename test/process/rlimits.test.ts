// Goal: limits have Linux's defaults and rise only for those who may raise them.

import test from 'ava';
import { rootCredentials, userCredentials } from '../../lib/process/credentials.js';
import { Rlimits, type LimitName } from '../../lib/process/rlimits.js';
import { MiB } from '../../lib/units.js';

test('the defaults are 8 MiB locked, 1024 descriptors, files without limit', (t) => {
  const limits = new Rlimits();
  const soft = (['memlock', 'nofile', 'fsize'] as const).map((name) => limits.soft(name));
  t.deepEqual(soft, [8 * MiB, 1024, Infinity]);
});

const user = userCredentials(1000);
const root = rootCredentials();

test('a user lowers both limits and raises the soft one up to the hard one', (t) => {
  const limits = new Rlimits();
  limits.set(user, 'memlock', { soft: 4096, hard: 8192 });
  limits.set(user, 'memlock', { soft: 8192, hard: 8192 });
  t.is(limits.soft('memlock'), 8192);
  t.throws(() => limits.set(user, 'memlock', { soft: 0, hard: 8193 }), { code: 'EPERM' });
  t.deepEqual(limits.get('memlock'), { soft: 8192, hard: 8192 });
  limits.set(root, 'memlock', { soft: Infinity, hard: Infinity });
  t.is(limits.soft('memlock'), Infinity);
});

for (const [soft, hard] of [
  [2, 1],
  [-1, 1],
  [0.5, 1],
  [Number.NaN, 1],
] as const) {
  test(`limits of ${soft} and ${hard} are EINVAL`, (t) => {
    t.throws(() => new Rlimits().set(root, 'fsize', { soft, hard }), { code: 'EINVAL' });
  });
}

test('a limit of another name is EINVAL', (t) => {
  t.throws(() => new Rlimits().soft('stack' as LimitName), { code: 'EINVAL' });
});
