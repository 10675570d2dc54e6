// Goal: no wake-up is lost, over threads and processes, blocking or not; every wait ends.
// Method: words in one shared mapping; whoever wakes changes the word first.

import test from 'ava';

import { type DaxFile, native } from '../../lib/native.js';
import { Child, inWorker, startWorker } from './threads.js';

// Held, because a file that is collected is closed, and its path is gone.
const files: DaxFile[] = [];

function newWords() {
  const file = native.memoryFile('futex');
  files.push(file);
  file.setSize(4096);
  const { buffer } = file.map();
  const path = `/proc/${process.pid}/fd/${file.fd}`;
  return { buffer, path, words: new Int32Array(buffer, 0, 1024) };
}

test('a word that is not as expected is not waited for', (t) => {
  const { words } = newWords();
  t.is(native.futexWait(words, 3, 1, 1000), 'not-equal');
  t.is(native.futexWaitAsync(words, 3, 1), 'not-equal');
  words[3] = -1;
  t.is(native.futexWait(words, 3, 0, 1000), 'not-equal');
  t.is(native.futexWait(words, 3, -1, 0), 'timed-out');
  t.is(native.futexWait(words, 3, 0xffffffff, 1), 'timed-out');
});

test('an asynchronous wait ends by wake, by time, or by cancelling', async (t) => {
  const { words } = newWords();
  const waits = [0, 1, 2].map((index) => {
    const pending = native.futexWaitAsync(words, index, 0, index === 1 ? 5 : undefined);
    if (pending === 'not-equal') throw new Error('the word is 0');
    return pending;
  });
  const [woken, timed, cancelled] = waits as [
    (typeof waits)[0],
    (typeof waits)[0],
    (typeof waits)[0],
  ];
  t.is(await timed.result, 'timed-out');
  t.true(native.futexCancel(cancelled.id));
  t.false(native.futexCancel(cancelled.id));
  t.is(await cancelled.result, 'cancelled');
  Atomics.store(words, 0, 1);
  native.futexWake(words, 0, 1);
  t.is(await woken.result, 'ok');
  t.false(native.futexCancel(woken.id));
});

test('300 words are waited for at once, by three native threads', async (t) => {
  const { words } = newWords();
  const waits = Array.from({ length: 300 }, (_, i) => native.futexWaitAsync(words, i, 0, 30_000));
  for (let i = 0; i < 300; i++) {
    Atomics.store(words, i, 1);
    native.futexWake(words, i, 1);
  }
  const results = await Promise.all(
    waits.map((wait) => (wait === 'not-equal' ? wait : wait.result)),
  );
  t.true(results.every((result) => result === 'ok'));
});

// Two sides take turns: each waits for the word to reach its number and then moves it on.
const pingPong = `
  const { native } = await load('lib/native.ts');
  const words = new Int32Array(data.buffer, 0, 16);
  for (let turn = data.first; turn < 4000; turn += 2) {
    for (let seen; (seen = Atomics.load(words, 0)) !== turn; ) {
      if (native.futexWait(words, 0, seen, 10000) === 'timed-out') return 'lost at ' + turn;
    }
    Atomics.store(words, 0, turn + 1);
    native.futexWake(words, 0, 1);
  }
  return 'done';`;

test('two workers wake each other 4000 times', async (t) => {
  const { buffer } = newWords();
  const sides = [0, 1].map((first) => inWorker(pingPong, { buffer, first }));
  t.deepEqual(await Promise.all(sides), ['done', 'done']);
});

test('two processes wake each other, one blocking and one not', async (t) => {
  const { path, words } = newWords();
  const child = new Child(`
    const { native } = await import(root + 'lib/native.ts');
    const words = new Int32Array(native.openFile('${path}', false).map().buffer, 0, 16);
    for (let turn = 1; turn < 400; turn += 2) {
      for (let seen; (seen = Atomics.load(words, 0)) !== turn; ) {
        if (native.futexWait(words, 0, seen, 20000) === 'timed-out') process.exit(3);
      }
      Atomics.store(words, 0, turn + 1);
      native.futexWake(words, 0, 1);
    }`);
  for (let turn = 0; turn < 400; turn += 2) {
    for (let seen; (seen = Atomics.load(words, 0)) !== turn;) {
      const pending = native.futexWaitAsync(words, 0, seen, 20_000);
      if (pending !== 'not-equal') t.is(await pending.result, 'ok');
    }
    Atomics.store(words, 0, turn + 1);
    native.futexWake(words, 0, 1);
  }
  t.is(await child.ended, 0);
});

test('a worker may be terminated while its waits are pending', async (t) => {
  const { buffer, words } = newWords();
  const { worker, done } = startWorker(
    `
    const { native } = await load('lib/native.ts');
    const words = new Int32Array(data, 0, 256);
    for (let i = 8; i < 200; i++) native.futexWaitAsync(words, i, 0);
    Atomics.store(words, 0, 1);
    native.futexWake(words, 0, 1);
    await new Promise(() => {});`,
    buffer,
  );
  done.catch(() => {});
  const ready = native.futexWaitAsync(words, 0, 0);
  if (ready !== 'not-equal') await ready.result;
  await worker.terminate();
  // Whatever threads the worker left asleep are woken, and the words go on serving this thread.
  let woken = 0;
  for (let i = 8; i < 200; i++) {
    Atomics.store(words, i, 1);
    woken += native.futexWake(words, i, 1);
  }
  t.true(woken >= 0 && woken <= 192, `${woken} of 192 were still asleep`);
  const again = native.futexWaitAsync(words, 8, 1, 5);
  t.is(again === 'not-equal' ? again : await again.result, 'timed-out');
});

const badCalls: { call: (words: Int32Array) => unknown; says: RegExp }[] = [
  { call: (w) => native.futexWait(w, 1024, 0, 0), says: /^index: / },
  { call: (w) => native.futexWait(w, -1, 0, 0), says: /^index / },
  { call: (w) => native.futexWait(w, 0, 0, NaN), says: /^timeoutMs / },
  { call: (w) => native.futexWait(w, 0, 0, undefined as never), says: /^timeoutMs / },
  { call: (w) => native.futexWait(w, 0, 'x' as never, 0), says: /^expected / },
  { call: (w) => native.futexWaitAsync(w, 0, 0, -1), says: /^timeoutMs / },
  { call: () => native.futexWake([] as never, 0, 1), says: /^words / },
  { call: (w) => native.futexWake(w, 0, 2 ** 31), says: /^nr / },
  { call: () => native.futexCancel(-1), says: /^id / },
];

for (const { call, says } of badCalls) {
  test(`${String(call)} is refused`, (t) => {
    const { words } = newWords();
    t.regex(t.throws(() => call(words))?.message ?? '', says);
  });
}
