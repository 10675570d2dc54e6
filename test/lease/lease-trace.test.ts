// Goal: a recording shows each lease from grant to end, and every break and timeout in between.

import test from 'ava';
import { type TraceEvent, type TracepointName, tracepoints } from '../../lib/trace/index.js';
import { LeaseWorld, type Step } from './lease-world.js';

test.serial('a lease that is broken and times out is recorded step by step', async (t) => {
  const events: TraceEvent[] = [];
  const names: TracepointName[] = ['lease', 'lease_break', 'lease_timeout'];
  const stops = names.map((name) => tracepoints[name].subscribe((e) => events.push(e)));
  const world = new LeaseWorld('6.12');
  const steps: Step[] = [
    { op: 'open', name: 'f', flags: ['rdonly', 'creat'], as: 'f' },
    { op: 'lease', fd: 'f', type: 'wr' },
    { op: 'open', name: 'f', flags: ['rdonly'], as: 'b', by: 'B', bg: true },
    { op: 'finish', of: 'b', by: 'B', ms: 45_000 },
    { op: 'lease', fd: 'f', type: 'un' },
  ];
  for (const step of steps) await world.play(step);
  for (const stop of stops) stop();
  t.deepEqual(
    events.map(({ name, phase, atNs }) => [name, phase, atNs / 1e9]),
    [
      ['lease', 'begin', 0],
      ['lease_break', 'instant', 0],
      ['lease_timeout', 'instant', 45],
      ['lease', 'end', 45],
    ],
  );
  t.is(events[1]?.args['ask'], 'downgrade');
  t.is(events[1]?.args['deadlineNs'], 45e9);
  t.is(events[2]?.args['end'], 'downgraded');
  t.is(events[0]?.key, events[3]?.key);
});
