// Goal: a tracepoint tells its listeners what happened, when and by whom, and is off without any.

import test from 'ava';
import { type TraceEvent, Tracepoint } from '../../lib/trace/index.js';

const source = { clock: { nowNs: 7 }, current: { id: 1, name: 'app' } };

test('a tracepoint is on exactly while somebody listens', (t) => {
  const point = new Tracepoint('test_on');
  t.false(point.on);
  const stop = point.subscribe(() => {});
  t.true(point.on);
  stop();
  t.false(point.on);
});

test('moments and slices carry time, task, key and arguments', (t) => {
  const point = new Tracepoint('test_events');
  const events: TraceEvent[] = [];
  const stop = point.subscribe((event) => events.push(event));
  point.emit(source, { inode: 12 });
  point.begin(source, 3, { what: 'pin' }, { id: 2, name: 'other' });
  point.end({ ...source, current: null }, '3');
  stop();
  point.emit(source, {});
  const common = { name: 'test_events', atNs: 7 };
  t.like(events[0], { ...common, phase: 'instant', key: '', task: 'app', args: { inode: 12 } });
  t.like(events[1], { ...common, phase: 'begin', key: '3', task: 'other' });
  t.like(events[2], { ...common, phase: 'end', key: '3', task: '' });
  t.is(events.length, 3);
  t.is(events[0]?.source, source);
});
