// Goal: a wrong order of locks is found when it first happens, though nothing deadlocks yet.

import test from 'ava';
import {
  assertHeld,
  assertNoLocks,
  lockClasses,
  Mutex,
  RwSem,
  Scheduler,
  type Task,
} from '../../lib/sched/index.js';

for (const mode of ['live', 'simulated'] as const) {
  const onTask = (fn: (task: Task, sched: Scheduler) => Promise<void>) => {
    const sched = new Scheduler({ mode });
    return sched.enter('task', (task) => fn(task, sched));
  };

  const order = Object.values(lockClasses);
  for (const [i, inner] of order.entries()) {
    const outer = order[i - 1];
    if (outer === undefined) continue;
    test(`${mode}: ${outer.name} is taken before ${inner.name} and never after`, async (t) => {
      await onTask(async (task, sched) => {
        const first = new RwSem(sched, 'first', { lockClass: outer });
        const second = new Mutex(sched, 'second', { lockClass: inner });
        await first.downRead(task);
        await second.lock(task);
        second.unlock(task);
        first.upRead(task);
        await second.lock(task);
        await t.throwsAsync(first.downRead(task), {
          message: /lock order: task task takes first/,
        });
        second.unlock(task);
      });
    });
  }

  test(`${mode}: classes without a rank keep one order, even by way of a third`, async (t) => {
    await onTask(async (task, sched) => {
      const [a, b, c] = ['a', 'b', 'c'].map((name) => new Mutex(sched, name)) as [
        Mutex,
        Mutex,
        Mutex,
      ];
      const both = async (first: Mutex, second: Mutex) => {
        using _first = await first.guard(task);
        using _second = await second.guard(task);
      };
      await both(a, b);
      await both(b, c);
      await both(a, c);
      await t.throwsAsync(both(c, a), { message: /a comes before c/ });
      t.is(task.held.length, 0);
    });
  });

  test(`${mode}: two locks of a class are taken by rising nest numbers`, async (t) => {
    await onTask(async (task, sched) => {
      const inode = (ino: number) =>
        new RwSem(sched, `inode ${ino}`, { lockClass: lockClasses.inodeFile, nest: ino });
      const two = inode(2);
      const five = inode(5);
      {
        using _two = await two.write(task);
        using _five = await five.write(task);
      }
      using _five = await five.write(task);
      await t.throwsAsync(two.downWrite(task), { message: /not in rising order/ });
      t.true(two.tryDownWrite(task)); // a try-lock cannot deadlock
      two.upWrite(task);
    });
  });

  test(`${mode}: taking a lock twice is found, for reading too`, async (t) => {
    await onTask(async (task, sched) => {
      const sem = new RwSem(sched, 'sem');
      using _guard = await sem.read(task);
      await t.throwsAsync(sem.downRead(task), { message: /takes sem twice/ });
    });
  });

  test(`${mode}: a task that ends with a lock held fails`, async (t) => {
    const sched = new Scheduler({ mode });
    const sem = new RwSem(sched, 'sem');
    const ended = sched.enter('leaker', (task) => sem.downWrite(task));
    await t.throwsAsync(ended, { message: /leaker ended holding sem/ });
  });

  test(`${mode}: assertNoLocks and assertHeld say what is held`, async (t) => {
    await onTask(async (task, sched) => {
      const sem = new RwSem(sched, 'sem');
      t.notThrows(() => assertNoLocks(task, 'lease wait'));
      t.throws(() => assertHeld(task, sem), { message: /does not hold sem/ });
      using _guard = await sem.read(task);
      t.throws(() => assertNoLocks(task, 'lease wait'), { message: /lease wait: .* holds sem/ });
      t.notThrows(() => assertHeld(task, sem));
      t.throws(() => assertHeld(task, sem, 'write'), { message: /for write/ });
    });
  });
}
