// Goal: no wake-up of a WaitWord is lost, and every wait ends. Method: workers and this thread take
// turns.

import test from 'ava';

import { WaitWord } from '../../lib/shared/wait-word.js';
import { inWorker, startWorker } from '../native/threads.js';

test('a wait ends at once when the value is another, by time when nothing comes', async (t) => {
  const word = new WaitWord(new SharedArrayBuffer(8), 0);
  t.is(word.wait(1), 'not-equal');
  t.is(word.wait(0, 3), 'timed-out');
  t.is(word.wait(0, 0), 'timed-out');
  t.is(await word.waitAsync(1), 'not-equal');
  t.is(await word.waitAsync(0, { timeoutMs: 3 }), 'timed-out');
  t.is(word.wake(), 0);
});

test('the value is unsigned, wraps, and is changed and woken in one', async (t) => {
  const word = new WaitWord(new SharedArrayBuffer(8), 0);
  const pending = word.waitAsync(0);
  word.store(2 ** 32 - 1);
  t.is(await pending, 'ok');
  t.is(word.load(), 2 ** 32 - 1);
  t.is(word.add(2), 2 ** 32 - 1);
  t.is(word.load(), 1);
});

test('an aborted wait is cancelled, before and while it waits', async (t) => {
  const word = new WaitWord(new SharedArrayBuffer(8), 0);
  const controller = new AbortController();
  const pending = word.waitAsync(0, { signal: controller.signal });
  controller.abort();
  t.is(await pending, 'cancelled');
  t.is(await word.waitAsync(0, { signal: controller.signal }), 'cancelled');
});

test('two workers and this thread pass a turn round 900 times', async (t) => {
  const buffer = new SharedArrayBuffer(8);
  const side = `
    const { WaitWord } = await load('lib/shared/wait-word.ts');
    const word = new WaitWord(data.buffer, 0);
    for (let turn = data.first; turn < 900; turn += 3) {
      for (let seen; (seen = word.load()) !== turn; ) {
        if (word.wait(seen, 20000) === 'timed-out') return 'lost ' + turn;
      }
      word.store(turn + 1);
    }
    return 'done';`;
  const workers = [1, 2].map((first) => inWorker(side, { buffer, first }));
  const word = new WaitWord(buffer, 0);
  for (let turn = 0; turn < 900; turn += 3) {
    for (let seen; (seen = word.load()) !== turn;) {
      t.not(await word.waitAsync(seen, { timeoutMs: 20_000 }), 'timed-out');
    }
    word.store(turn + 1);
  }
  t.deepEqual(await Promise.all(workers), ['done', 'done']);
});

test('a worker that waits for ever can be terminated', async (t) => {
  const buffer = new SharedArrayBuffer(16);
  const { worker, done } = startWorker(
    `const { WaitWord } = await load('lib/shared/wait-word.ts');
     new WaitWord(data, 8).store(1);
     new WaitWord(data, 0).wait(0);`,
    buffer,
  );
  done.catch(() => {});
  await new WaitWord(buffer, 8).waitAsync(0);
  t.is(await worker.terminate(), 1);
});
