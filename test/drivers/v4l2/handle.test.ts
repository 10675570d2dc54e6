// Goal: a handle follows its open file: O_NONBLOCK as it is now, events of its own.

import test from 'ava';
import { Scheduler } from '../../../lib/sched/index.js';
import { VideoHandle } from '../../../drivers/v4l2/handle.js';

test("O_NONBLOCK may change, and events are each handle's own", (t) => {
  const sched = new Scheduler({ mode: 'simulated', seed: 1 });
  const file = { path: '/dev/video0', readable: true, writable: true, nonblock: false };
  const a = new VideoHandle(file, sched);
  const b = new VideoHandle(file, sched);
  t.false(a.nonblock);
  file.nonblock = true;
  t.true(a.nonblock);
  a.events.subscribe({ type: 'EOS' });
  a.events.push('EOS', '', 1);
  t.true(a.events.pending);
  t.false(b.events.pending);
});
