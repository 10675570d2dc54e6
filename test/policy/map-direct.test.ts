// Goal: DMA needs a MAP_DIRECT mapping; after the break time the mapping is dead, and DMA too.

import test from 'ava';
import { mapDirect } from '../../lib/policy/map-direct.js';
import type { VMA } from '../../lib/mm/vma.js';
import { seconds } from '../../lib/units.js';
import { play, polite, PolicyWorld, stubborn } from './policy-world.js';

const direct = { ...stubborn, lease: 'map-direct' } as const;

test('a break revokes DMA after lease-break-time, and the holder is told once', async (t) => {
  const o = await play(mapDirect, direct);
  t.like(o, { pin: 'ok', truncate: 'done', atNs: seconds(45), revoked: true, killed: false });
  t.deepEqual(o.signals, ['SIGIO at 0 s']);
});

test('any other mapping and any other lease is EOPNOTSUPP', async (t) => {
  for (const lease of ['none', 'shared', 'exclusive'] as const) {
    t.is((await play(mapDirect, { ...polite, lease })).pin, 'EOPNOTSUPP');
  }
});

test('a driver that cannot give pages back is EOPNOTSUPP', async (t) => {
  t.is((await play(mapDirect, { ...direct, revoke: 'irrevocable' })).pin, 'EOPNOTSUPP');
});

test('accesses are good until the timeout, and SIGBUS afterwards', async (t) => {
  const world = new PolicyWorld(mapDirect, direct);
  world.takeLease();
  t.is(mapDirect.onAccess!(world.vma, 0), 'ok');
  const truncate = world.truncate(world.pin(true));
  await world.sched.runFor(seconds(45) - 1);
  t.is(mapDirect.onAccess!(world.vma, 0), 'ok');
  await world.sched.runFor(1);
  t.is(mapDirect.onAccess!(world.vma, 0), 'SIGBUS');
  t.is(world.pin(true), 'EOPNOTSUPP');
  await truncate;
});

test('a mapping without MAP_DIRECT never gets SIGBUS from it', (t) => {
  t.is(mapDirect.onAccess!({} as VMA, 0), 'ok');
});
