// Goal: of the allocations made for a task the n-th fails, once, and no other.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { FailNth, Scheduler, slabAlloc, Task } from '../../lib/sched/index.js';

const newTask = () => new Task(new Scheduler({ mode: 'simulated' }), 1, 'app', false);

test('the third allocation fails, those before it and after it do not', (t) => {
  const task = newTask();
  task.faults = new FailNth();
  task.faults.nth = 3;
  const lacking: number[] = [];
  for (let n = 1; n <= 6; n++) {
    try {
      slabAlloc(task, `object ${n}`);
    } catch (e) {
      t.true(isErrno(e, 'ENOMEM'));
      t.regex(String(e), new RegExp(`object ${n}`));
      lacking.push(n);
    }
  }
  t.deepEqual(lacking, [3]);
  t.is(task.faults.nth, 0, 'it has happened');
});

test('what is read is what is left to count', (t) => {
  const faults = new FailNth();
  faults.nth = 4;
  t.deepEqual([faults.count(), faults.nth, faults.count(), faults.nth], [false, 3, false, 2]);
  faults.nth = 0;
  t.false(faults.count());
  t.is(faults.nth, 0, 'off');
});

test('the threads of a process share one count, and a task of the kernel has none', (t) => {
  const [one, two, kernel] = [newTask(), newTask(), newTask()];
  one.faults = new FailNth();
  two.faults = one.faults;
  one.faults.nth = 2;
  slabAlloc(kernel, 'x');
  slabAlloc(one, 'x');
  slabAlloc(kernel, 'x');
  t.throws(() => slabAlloc(two, 'x'), { message: /^ENOMEM/ });
});

test('fail-nth is an unsigned int: EINVAL', (t) => {
  const faults = new FailNth();
  for (const bad of [-1, 1.5, NaN, Infinity, 2 ** 32, '1', null, undefined, {}, 1n]) {
    t.true(
      isErrno(
        t.throws(() => (faults.nth = bad as number)),
        'EINVAL',
      ),
    );
  }
  t.notThrows(() => (faults.nth = 2 ** 32 - 1));
});
