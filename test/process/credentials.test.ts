// Goal: root may all, a user nothing special, and nobody comes back from being a user.

import test from 'ava';
import {
  allCapabilities,
  maySignal,
  rootCredentials,
  userCredentials,
  withUid,
} from '../../lib/process/credentials.js';

test('root has every capability, a user none', (t) => {
  t.is(rootCredentials().caps.size, allCapabilities.length);
  t.is(userCredentials(1000).caps.size, 0);
  t.deepEqual(userCredentials(1000, 7), { uid: 1000, gid: 7, caps: new Set() });
});

test('leaving root drops the capabilities, and there is no way back', (t) => {
  const user = withUid(rootCredentials(), 1000);
  t.like(user, { uid: 1000, gid: 1000 });
  t.is(user.caps.size, 0);
  t.is(withUid(user, 1000), user);
  t.throws(() => withUid(user, 0), { code: 'EPERM' });
  t.throws(() => withUid(user, 1001), { code: 'EPERM' });
  for (const uid of [-1, 0.5]) t.throws(() => withUid(rootCredentials(), uid), { code: 'EINVAL' });
});

test('one signals processes of the same user, or with CAP_KILL', (t) => {
  const [a, b] = [userCredentials(1), userCredentials(2)];
  t.true(maySignal(a, userCredentials(1)));
  t.false(maySignal(a, b));
  t.true(maySignal(rootCredentials(), b));
  t.false(maySignal(a, rootCredentials()));
});
