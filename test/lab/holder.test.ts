// Goal: holders behave as they are called.

import test from 'ava';
import { seconds } from '../../lib/units.js';
import { endOf } from './play-fixture.js';

test('who cooperates lets go at once, who answers late after 60 s', async (t) => {
  t.is((await endOf({ behaviour: 'cooperates' })).outcome.tookNs, 0);
  t.is((await endOf({ behaviour: 'answers-late' })).outcome.tookNs, seconds(60));
});

test('who drops its lease under lease-required is stuck in F_UNLCK', async (t) => {
  const e = await endOf({ policy: 'lease-required', behaviour: 'drops-lease' });
  t.deepEqual(e.holderStuck, ['F_UNLCK']);
});

test('an exit whose device is the lower descriptor evicts the file under its own pins', async (t) => {
  const exits = { operation: 'unlink' } as const;
  const deadlock = await endOf({ ...exits, behaviour: 'exits-device-first' });
  t.deepEqual(deadlock.holderStuck, ['exit']);
  const fine = await endOf({ ...exits, behaviour: 'exits-data-first' });
  t.deepEqual(fine.holderStuck, []);
});
