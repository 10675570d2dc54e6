// Goal: whoever is still watched when the event loop comes round is reported, once.

import test from 'ava';
import { throwLater, watch } from '../../lib/sched/watchdog.js';

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

test.serial('an error that nobody hears becomes an uncaught exception', async (t) => {
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  const caught = new Promise((resolve) => process.once('uncaughtException', resolve));
  const error = new Error('unheard');
  throwLater(error);
  t.is(await caught, error);
  for (const listener of others) process.on('uncaughtException', listener);
});
