// Goal: one task holds the turn, its choices decide everything, and nothing runs unseen.

import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import {
  DeadlockError,
  Mutex,
  pageObject,
  replayStrategy,
  Scheduler,
  type SimulatedOptions,
  type Step,
  StrayError,
  type Task,
  WaitQueue,
} from '../../lib/sched/index.js';
import { ms, seconds } from '../../lib/units.js';

const simulated = (opts: Omit<SimulatedOptions, 'mode'> = {}) =>
  new Scheduler({ mode: 'simulated', ...opts });

/** Three tasks that share a lock, a queue and the clock; returns what they did, in order. */
async function busyRun(sched: Scheduler): Promise<string[]> {
  const log: string[] = [];
  const mutex = new Mutex(sched, 'mutex');
  const queue = new WaitQueue(sched, 'queue');
  let ready = 0;
  const work = async (task: Task) => {
    for (let i = 0; i < 3; i++) {
      await sched.at(1);
      log.push(`${task.name} steps`);
      await mutex.lock(task);
      await sched.at(2);
      log.push(`${task.name} holds`);
      mutex.unlock(task);
      await sched.clock.sleep(task, ms(1 + task.id));
    }
    ready++;
    queue.wakeAll();
    await queue.waitEvent(task, () => ready === 3, { why: 'all', mode: 'uninterruptible' });
    log.push(`${task.name} ends at ${sched.clock.nowNs}`);
  };
  await sched.run('main', async (main) => {
    const handles = ['a', 'b', 'c'].map((name) => sched.spawn(name, work));
    for (const handle of handles) await handle.join(main);
  });
  return log;
}

testProp(
  'the recorded choices replay a run to the last step',
  [fc.integer(), fc.constantFrom('idle' as const, 'any' as const)],
  async (t, seed, timers) => {
    const first = simulated({ seed, timers });
    const log = await busyRun(first);
    const again = simulated({
      strategy: replayStrategy(first.choices, first.choiceKeys),
      timers,
    });
    t.deepEqual(await busyRun(again), log);
    t.deepEqual(again.choices, first.choices);
    const seededAgain = simulated({ seed, timers });
    t.deepEqual(await busyRun(seededAgain), log);
  },
);

test('seeds give different schedules', async (t) => {
  const logs = new Set<string>();
  for (let seed = 0; seed < 20; seed++) logs.add((await busyRun(simulated({ seed }))).join());
  t.true(logs.size > 15, `${logs.size}`);
});

test('without a seed nobody is preempted', async (t) => {
  const sched = simulated();
  const log: string[] = [];
  await sched.run('main', async () => {
    for (const name of ['a', 'b']) {
      sched.spawn(name, async () => {
        for (let i = 0; i < 3; i++) {
          await sched.at(1);
          log.push(name);
        }
      });
    }
  });
  t.is(log.join(''), 'aaabbb');
});

test('new tasks run to their first points before the first choice is made', async (t) => {
  const log: string[] = [];
  const sched = simulated({
    strategy: {
      name: 'recorder',
      choose(runnable) {
        log.push(`choice of ${runnable.map((task) => task.name).join()}`);
        return runnable.length - 1;
      },
    },
  });
  await sched.run('main', async () => {
    for (const name of ['a', 'b', 'c']) {
      sched.spawn(name, async () => {
        log.push(`${name} begins`);
        await sched.at(1);
        log.push(`${name} goes on`);
      });
    }
    log.push('main goes on');
    await sched.at(1);
  });
  t.deepEqual(log.slice(0, 5), [
    'main goes on',
    'a begins',
    'b begins',
    'c begins',
    'choice of main,a,b,c',
  ]);
  t.is(log[5], 'c goes on');
});

test('enter() from outside makes a task, and inside a turn runs on the one there is', async (t) => {
  const sched = simulated();
  await sched.enter('syscall', async (outer) => {
    t.is(sched.current, outer);
    await sched.enter('nested', async (inner) => t.is(inner, outer));
    await sched.at(1);
    t.is(sched.current, outer);
  });
  t.is(sched.current, null);
});

test('outside code goes on while nobody holds the turn', async (t) => {
  const sched = simulated({ seed: 1 });
  let running = true;
  const background = sched.enter('background', async () => {
    for (let i = 0; i < 50; i++) await sched.at(1);
    running = false;
  });
  await sched.enter('short', async () => sched.at(1));
  t.is(sched.current, null);
  t.true(running);
  await background;
  t.is(sched.current, null);
});

test('calls made together from outside are all there at the first choice', async (t) => {
  const names: string[] = [];
  const sched = simulated({
    strategy: {
      name: 'recorder',
      choose(runnable) {
        names.push(runnable.map((task) => task.name).join());
        return 0;
      },
    },
  });
  await Promise.all(['a', 'b', 'c'].map((name) => sched.enter(name, async () => sched.at(1))));
  t.is(names[0], 'a,b,c');
});

test('a missing await is found when the task goes on', async (t) => {
  const sched = simulated({ strategy: { name: 'switch', choose: (r) => r.length - 1 } });
  const mutex = new Mutex(sched, 'mutex');
  const helper = async () => {
    await sched.at(1);
  };
  const ran = sched.run('main', async (main) => {
    sched.spawn('other', async () => {
      for (let i = 0; i < 5; i++) await sched.at(2);
    });
    await sched.at(3);
    void helper();
    await mutex.lock(main);
    mutex.unlock(main);
  });
  await t.throwsAsync(ran, { instanceOf: StrayError, message: /missing await/ });
});

test('a task that ends while another has its turn is found', async (t) => {
  const sched = simulated({ strategy: { name: 'switch', choose: (r) => r.length - 1 } });
  const ran = sched.run('main', async () => {
    sched.spawn('other', async () => {
      for (let i = 0; i < 5; i++) await sched.at(2);
    });
    await sched.at(3);
    void sched.at(1);
  });
  await t.throwsAsync(ran, { instanceOf: StrayError, message: /main ended/ });
});

test('Promise.all inside a task is found', async (t) => {
  const sched = simulated({ seed: 1 });
  const step = async () => {
    for (let i = 0; i < 5; i++) await sched.at(1);
  };
  const ran = sched.run('main', async () => {
    sched.spawn('other', step);
    await Promise.all([step(), step()]);
  });
  await t.throwsAsync(ran, { instanceOf: StrayError });
});

for (const kind of ['run', 'enter'] as const) {
  test(`a foreign timer under ${kind}() is found, and the message names the task`, async (t) => {
    const sched = simulated();
    const ran = sched[kind]('waiter', () => new Promise((resolve) => setImmediate(resolve)));
    await t.throwsAsync(ran, { instanceOf: StrayError, message: /waiter awaits/ });
    await t.throwsAsync(
      sched.enter('later', async () => {}),
      { instanceOf: StrayError },
    );
  });
}

test('a point outside every turn is refused', (t) => {
  const sched = simulated();
  t.throws(() => sched.at(1), { instanceOf: StrayError, message: /nobody has the turn/ });
});

test('a timer may wake and start tasks, and may not wait', async (t) => {
  const sched = simulated();
  const started: string[] = [];
  await sched.run('main', async (main) => {
    const queue = new WaitQueue(sched, 'queue');
    sched.clock.timer(5, () => {
      queue.wakeAll();
      sched.spawn('worker', async () => void started.push('worker'));
    });
    await queue.wait(main, { why: 'timer' });
  });
  t.deepEqual(started, ['worker']);

  const bad = simulated();
  const ran = bad.run('main', async (main) => {
    bad.clock.timer(5, () => void bad.at(1));
    await bad.clock.sleep(main, 10);
  });
  await t.throwsAsync(ran, { instanceOf: StrayError });
});

test('a deadlock says who waits for what, held by whom', async (t) => {
  const sched = simulated({ strategy: { name: 'switch', choose: (r) => r.length - 1 } });
  const [a, b] = [new Mutex(sched, 'lock A'), new Mutex(sched, 'lock B')];
  const hold = new WaitQueue(sched, 'hold');
  const ran = sched.run('main', async () => {
    sched.spawn('left', async (task) => {
      await a.lock(task);
      await hold.wait(task, { why: 'an answer' });
    });
    sched.spawn('right', async (task) => {
      await b.lock(task);
      await a.lock(task);
    });
  });
  const e = await t.throwsAsync(ran, { instanceOf: DeadlockError });
  t.true(e?.message.includes('left waits for an answer'));
  t.true(e?.message.includes('right waits for lock A, held by left'));
});

test('whoever waits past the horizon is hung, and daemons are not waited for', async (t) => {
  const sched = simulated({ horizonNs: seconds(10) });
  const tick = async (task: Task) => {
    for (;;) await sched.clock.sleep(task, seconds(1));
  };
  await sched.run('ends', async () => {
    sched.spawn('ticker', tick, { daemon: true });
  });
  t.is(sched.clock.nowNs, 0);
  const hung = sched.run('hangs', async (task) => {
    await new WaitQueue(sched, 'q').wait(task, { why: 'godot' });
  });
  await t.throwsAsync(hung, { instanceOf: DeadlockError, message: /hangs waits for godot/ });
  t.is(sched.clock.nowNs, seconds(10));
});

test('an error of a task that nobody joins ends the run, or is told to onTaskError', async (t) => {
  const spawnFailing = (sched: Scheduler) =>
    sched.run('main', async () => {
      sched.spawn('worker', () => Promise.reject(new Error('worker broke')));
    });
  await t.throwsAsync(spawnFailing(simulated()), { message: 'worker broke' });
  const sched = simulated();
  const told: string[] = [];
  sched.onTaskError = (task, e) => told.push(`${task.name}: ${(e as Error).message}`);
  await spawnFailing(sched);
  t.deepEqual(told, ['worker: worker broke']);
});

test('the error of the first task wins over the deadlock it leaves behind', async (t) => {
  const sched = simulated();
  const ran = sched.run('main', async () => {
    const queue = new WaitQueue(sched, 'q');
    sched.spawn('waiter', async (task) => void (await queue.wait(task, { why: 'main' })));
    await sched.at(1);
    throw new Error('main broke');
  });
  await t.throwsAsync(ran, { message: 'main broke' });
});

test('a spinning task is stopped at the limit of points', async (t) => {
  const sched = simulated({ maxPoints: 1000 });
  const ran = sched.run('spinner', async () => {
    for (;;) await sched.at(1);
  });
  await t.throwsAsync(ran, { instanceOf: DeadlockError, message: /spinner/ });
});

test('steps tell who touched what, and a failing listener stops the run there', async (t) => {
  const sched = simulated();
  const steps: Step[] = [];
  sched.onStep = (step) => steps.push(step);
  const object = sched.newObject('inode 12');
  await sched.run('main', async () => {
    sched.touch(object, 'read');
    await sched.at(pageObject(3), 'read');
    sched.touch(pageObject(4), 'write');
    sched.touch(pageObject(4), 'write');
  });
  t.deepEqual(
    steps.map(({ taskName, reads, writes }) => [
      taskName,
      reads.map((o) => sched.label(o)),
      writes,
    ]),
    [
      ['main', ['inode 12'], []],
      ['main', ['pfn 3'], [pageObject(4)]],
    ],
  );

  const stopped = simulated();
  let after = false;
  stopped.onStep = () => {
    throw new Error('the referee saw a stray byte');
  };
  const ran = stopped.run('main', async () => {
    try {
      await stopped.at(1);
    } finally {
      after = true;
    }
  });
  await t.throwsAsync(ran, { message: /stray byte/ });
  t.false(after); // the task stands where it stood: no clean-up runs on shared memory
});

test('with timers "any" the strategy may let time pass though tasks can run', async (t) => {
  const sched = simulated({
    timers: 'any',
    strategy: { name: 'hasty', choose: (r, _c, canAdvance) => (canAdvance ? r.length : 0) },
  });
  await sched.run('main', async () => {
    sched.spawn('sleeper', (task) => sched.clock.sleep(task, 100));
    await sched.at(1);
    t.is(sched.clock.nowNs, 100);
  });
});

test('an abandoned scheduler runs nothing more', async (t) => {
  const sched = simulated();
  const queue = new WaitQueue(sched, 'q');
  await sched.run('main', async () => {
    sched.spawn(
      'daemon',
      async (task) => {
        await queue.wait(task, { why: 'work' });
        t.fail();
      },
      { daemon: true },
    );
    await sched.at(1);
  });
  sched.abandon();
  queue.wakeAll();
  await t.throwsAsync(sched.settle(), { message: /abandoned/ });
});

test('live tasks run on the event loop, spawned ones not before spawn() returns', async (t) => {
  const sched = new Scheduler({ mode: 'live' });
  const log: string[] = [];
  const spawned = sched.spawn('spawned', async () => void log.push('spawned'));
  const entered = sched.enter('entered', async (task) => {
    log.push('entered');
    await sched.clock.sleep(task, 1);
    return task.state;
  });
  log.push('caller');
  await spawned.promise;
  t.is(await entered, 'running');
  t.deepEqual(log, ['entered', 'caller', 'spawned']);
  t.false(sched.on);
  t.true(await sched.runUntil(Promise.resolve(), seconds(60)));
  t.false(await sched.runUntil(new Promise(() => {}), ms(1)));
});
