// Goal: direct I/O pins for one transfer: truncate waits that long and no longer.

import test from 'ava';
import { ms } from '../../lib/units.js';
import { endOf } from './play-fixture.js';

test('under every policy that forbids long pins it goes on', async (t) => {
  for (const policy of ['linux', 'forbid', 'odp']) {
    const e = await endOf({ driver: 'direct-io', policy });
    t.is(e.pin, 'granted');
    t.is(e.outcome.end, 'ok');
    t.true(e.outcome.tookNs <= ms(10));
  }
});
