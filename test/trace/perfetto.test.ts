// Goal: the document is one that Perfetto draws: threads named, slices closed under their names.

import test from 'ava';
import { perfettoDocument, type TraceEvent, type TracePhase } from '../../lib/trace/index.js';

const source = { clock: { nowNs: 0 }, current: null };
const event = (
  phase: TracePhase,
  name: string,
  atNs: number,
  task: string,
  key = '',
  args: TraceEvent['args'] = {},
): TraceEvent => ({ source, phase, name, atNs, task, key, args });

test('tasks are threads, and outside code has one too', (t) => {
  const { traceEvents } = perfettoDocument(
    [event('instant', 'signal', 0, 'app'), event('instant', 'signal', 0, '')],
    { title: 'board' },
  );
  const names = traceEvents.filter((e) => e.ph === 'M').map((e) => e.args['name']);
  t.deepEqual(names, ['board', 'app', 'outside']);
  const tids = traceEvents.filter((e) => e.ph === 'i').map((e) => e.tid);
  t.deepEqual(tids, [1, 2]);
});

test('a system call nests on its task, a pin has a track of its own until it is unpinned', (t) => {
  const { traceEvents } = perfettoDocument([
    event('begin', 'syscall', 1000, 'app', '1', { call: 'reg_mr' }),
    event('begin', 'gup_pin', 2000, 'app', '7', { pages: 16 }),
    event('end', 'syscall', 3000, 'app', '1'),
    event('end', 'gup_pin', 9500, 'other', '7'),
  ]);
  const slices = traceEvents
    .filter((e) => e.ph !== 'M')
    .map((e) => [e.ph, e.name, e.ts, e.tid, e.id]);
  t.deepEqual(slices, [
    ['B', 'syscall: reg_mr', 1, 1, undefined],
    ['b', 'gup_pin', 2, 1, 'gup_pin 7'],
    ['E', 'syscall: reg_mr', 3, 1, undefined],
    ['e', 'gup_pin', 9.5, 1, 'gup_pin 7'],
  ]);
});

test('the end of a slice that began before the recorder is passed over', (t) => {
  const { traceEvents } = perfettoDocument([event('end', 'wait', 5, 'app', '1')]);
  t.true(traceEvents.every((e) => e.ph === 'M'));
});

test('events at one instant are drawn apart when stretched, and keep their true time', (t) => {
  const events = [0, 0, 0, 5000].map((atNs) => event('instant', 'dma', atNs, 'hca'));
  const shown = perfettoDocument(events, { stretchNs: 1000 }).traceEvents.filter(
    (e) => e.ph === 'i',
  );
  t.deepEqual(
    shown.map((e) => [e.ts, e.args['at_ns']]),
    [
      [0, 0],
      [1, 0],
      [2, 0],
      [5, 5000],
    ],
  );
});
