// Goal: whoever is still watched when the event loop comes round is reported, once.

import test from 'ava';
import { watch } from '../../lib/sched/watchdog.js';

const turnOfTheLoop = () => new Promise((resolve) => setImmediate(resolve));

test('a run that ended in its turn is not reported, one that did not is, once', async (t) => {
  const reported: string[] = [];
  const stop = watch(() => reported.push('ended'));
  watch(() => reported.push('overdue'));
  stop();
  await turnOfTheLoop();
  t.deepEqual(reported, ['overdue']);
  await turnOfTheLoop();
  t.deepEqual(reported, ['overdue']);
});
