// Goal: a trace reads as a table: time, task, what, and how long each slice took.

import test from 'ava';
import { timelineText, type TraceEvent } from '../../lib/trace/index.js';
import { ms, seconds } from '../../lib/units.js';

const source = { clock: { nowNs: 0 }, current: null };

test('times and tasks stand in columns, ends tell how long it took', (t) => {
  const base = { source, key: '1', name: 'truncate', args: {} };
  const events: TraceEvent[] = [
    { ...base, phase: 'begin', atNs: ms(1), task: 'admin', args: { inode: 12 } },
    { ...base, phase: 'instant', name: 'signal', atNs: ms(1), task: 'admin', args: { to: 'app' } },
    { ...base, phase: 'end', atNs: seconds(45), task: 'admin' },
    { ...base, phase: 'end', atNs: seconds(45), task: '', key: 'unknown' },
  ];
  t.deepEqual(timelineText(events).split('\n'), [
    '    1.000 ms  admin  truncate + inode=12',
    '    1.000 ms  admin  signal to=app',
    '45000.000 ms  admin  truncate - after 44999.000 ms',
    '45000.000 ms         truncate -',
  ]);
  t.is(timelineText([]), '');
});
