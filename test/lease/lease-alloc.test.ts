// Goal: what a lease needs is allocated once, in the kernel's order, and its lack refuses it.

import test, { type ExecutionContext } from 'ava';
import { Errno, isErrno } from '../../lib/errno.js';
import { kernelRules } from '../../lib/kernel-rules.js';
import type { OwnedFile } from '../../lib/lease/lease-alloc.js';
import { contextAlloc, leaseAlloc, ownerAlloc } from '../../lib/lease/lease-alloc.js';
import { FailNth, Scheduler, Task } from '../../lib/sched/index.js';
import { FakeFile, FakeInode } from './lease-world.js';

function failing(nth: number): Task {
  const task = new Task(new Scheduler({ mode: 'simulated' }), 1, 'app', false);
  task.faults = new FailNth();
  task.faults.nth = nth;
  return task;
}

/** Fail the first, the second ... allocation of what call() makes, until it makes no more. */
function lacks(t: ExecutionContext, call: (task: Task) => void): string[] {
  const found: string[] = [];
  for (let nth = 1; ; nth++) {
    try {
      call(failing(nth));
      return found;
    } catch (e) {
      t.true(isErrno(e, 'ENOMEM'));
      found.push((e as Errno).message.replace(/^.* for /, ''));
    }
  }
}

test('a lease is allocated before its type is looked at, and the fasync entry after', (t) => {
  t.deepEqual(
    lacks(t, (task) => leaseAlloc(task, () => {})),
    ['a lease', 'a fasync entry'],
  );
  const bad = () => {
    throw new Errno('EINVAL', 'no type');
  };
  t.true(
    isErrno(
      t.throws(() => leaseAlloc(failing(1), bad)),
      'ENOMEM',
    ),
  );
  t.true(
    isErrno(
      t.throws(() => leaseAlloc(failing(2), bad)),
      'EINVAL',
    ),
  );
});

for (const [kernel, first] of [
  ['6.1', ['a lock context']],
  ['6.12', ['f_owner', 'a lock context']],
  ['7.2', ['f_owner', 'a lock context']],
] as const) {
  test(`${kernel}: a file's first lease needs ${first.join(' and ')}, the second nothing`, (t) => {
    const rules = kernelRules[kernel];
    const inode = new FakeInode('f');
    const file: FakeFile & OwnedFile = new FakeFile(inode, 'rdonly');
    const call = (task: Task) => contextAlloc(task, rules, inode, file);
    for (const what of first) {
      t.throws(() => call(failing(1)), { message: new RegExp(`for ${what}$`) });
      if (what === 'f_owner') ownerAlloc(failing(0), rules, file);
    }
    call(failing(0));
    t.deepEqual(lacks(t, call), []);
    const other: FakeFile & OwnedFile = new FakeFile(inode, 'rdonly');
    t.deepEqual(
      lacks(t, (task) => contextAlloc(task, rules, inode, other)),
      first.filter((what) => what === 'f_owner'),
      'an owner for each open file, a lock context for the inode',
    );
  });
}
