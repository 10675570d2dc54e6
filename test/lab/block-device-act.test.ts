// Goal: who maps the block device beside a layout lease does DMA there, and nobody gets its blocks.

import test from 'ava';
import { endOf } from './play-fixture.js';

const driver = 'rdma-block-device';
const policy = 'block-device';

test('truncate waits for pins of the blocks, and nothing strays', async (t) => {
  const e = await endOf({ driver, policy, behaviour: 'ignores' });
  t.is(e.pin, 'granted');
  t.is(e.outcome.end, 'hung');
  t.true(e.transfers.done > 3);
  t.deepEqual(e.stray, []);
});

test('one that cooperates lets it go on at once', async (t) => {
  const e = await endOf({ driver, policy, behaviour: 'cooperates' });
  t.is(e.outcome.end, 'ok');
  t.is(e.corruptedBytes, 0);
});

test('without a layout lease its pin is EFAULT', async (t) => {
  t.is((await endOf({ driver, policy, behaviour: 'never-leases' })).pin, 'EFAULT');
});

test('the lease does not end before the pins, whichever descriptor is closed first', async (t) => {
  for (const behaviour of ['exits-data-first', 'exits-device-first'] as const) {
    const e = await endOf({ driver, policy, behaviour, operation: 'exit' });
    t.is(e.outcome.end, 'ok');
    t.is(e.first, 'pins', behaviour);
  }
});
