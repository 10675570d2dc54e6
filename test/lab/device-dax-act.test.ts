// Goal: memory without a file system may be pinned under every policy.

import test from 'ava';
import { endOf } from './play-fixture.js';

test('exit of its holder ends at once, and nothing strays', async (t) => {
  for (const policy of ['linux', 'none']) {
    const e = await endOf({ driver: 'device-dax', operation: 'exit', policy });
    t.is(e.pin, 'granted');
    t.is(e.outcome.end, 'ok');
    t.is(e.holder, 'exited');
    t.deepEqual(e.stray, []);
  }
});
