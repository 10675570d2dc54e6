// Goal: nothing that is added is lost, whoever adds.

import test from 'ava';

import { SharedCounters } from '../../lib/shared/counters.js';
import { inWorker } from '../native/threads.js';

test('counters add up over workers and do not run into each other', async (t) => {
  const counters = SharedCounters.create(['pins', 'faults', 'breaks']);
  const body = `
    const { SharedCounters } = await load('lib/shared/counters.ts');
    const counters = new SharedCounters(data, 0, ['pins', 'faults', 'breaks']);
    for (let i = 0; i < 20000; i++) { counters.add('pins'); counters.add('faults', -2); }
    return 'done';`;
  await Promise.all([0, 1, 2].map(() => inWorker(body, counters.buffer)));
  t.deepEqual(counters.snapshot(), { pins: 60_000, faults: -120_000, breaks: 0 });
});

test('taking a counter gives its value and starts it anew', (t) => {
  const counters = SharedCounters.create(['a']);
  t.is(counters.add('a', 2 ** 40), 0);
  t.is(counters.add('a'), 2 ** 40);
  t.is(counters.take('a'), 2 ** 40 + 1);
  t.is(counters.get('a'), 0);
});

test('unknown and doubled names are refused', (t) => {
  const counters = SharedCounters.create(['a']);
  t.throws(() => counters.get('b' as 'a'), { code: 'EINVAL' });
  t.throws(() => SharedCounters.create(['a', 'a']), { code: 'EINVAL' });
});
