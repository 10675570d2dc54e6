// Planted bugs of drivers' queues and books, on tasks and locks alone: completions, counts.

import assert from 'node:assert/strict';
import { isErrno } from '../../errno.js';
import { type Task, WaitQueue } from '../../sched/index.js';
import { scenario, type Race } from '../scenario.js';
import { type Planted, twinOf } from './planted.js';

interface Spec extends Omit<Planted, 'make' | 'ground'> {
  readonly title: string;
}

function planted({ title, ...about }: Spec, body: (race: Race, broken: boolean) => void): Planted {
  return {
    ...about,
    ground: 'model',
    make: (broken) =>
      scenario(broken ? about.name : twinOf(about.name), title, (race) => body(race, broken)),
  };
}

const completionBeforeData = planted(
  {
    name: 'completion-before-data',
    title: 'a completion says that the data is there',
    defect: 'the hardware posts the completion before the last page is written',
    finds: 'error',
    preemptions: 1,
  },
  (race, broken) => {
    const { sched } = race;
    const page = race.object('page');
    const completed = new WaitQueue(sched, 'completion queue');
    let data = 0;
    let completions = 0;
    const post = (): void => {
      completions++;
      completed.wakeAll();
    };
    race.task('hardware', async () => {
      await sched.at(completed.id);
      if (broken) post();
      await sched.at(page);
      data = 1;
      await sched.at(completed.id);
      if (!broken) post();
    });
    race.task('app', async (task) => {
      await completed.waitEvent(task, () => completions > 0, { why: 'a completion' });
      await sched.at(page, 'read');
      assert.equal(data, 1, 'the completion came before the data');
    });
  },
);

const wakeSwallowed = planted(
  {
    name: 'swallowed-wakeup',
    title: 'a buffer that is done wakes somebody who takes it',
    defect: 'a waiter that is interrupted as it is woken keeps the wake-up to itself',
    finds: 'deadlock',
    preemptions: 2,
  },
  (race, broken) => {
    const { sched } = race;
    const done = new WaitQueue(sched, 'done queue');
    let buffers = 0;
    const give = async (): Promise<void> => {
      await sched.at(done.id);
      buffers++;
      done.wakeOne();
    };
    const dequeue = async (task: Task): Promise<void> => {
      await sched.at(done.id);
      while (buffers === 0) {
        await done.wait(task, { why: 'a buffer' });
        if (task.interruptedIn('interruptible')) {
          if (!broken) done.wakeOne();
          return; // EINTR
        }
      }
      buffers--;
      await give();
    };
    let first: Task | null = null;
    race.task('app-1', async (task) => {
      first = task;
      await dequeue(task).catch((e: unknown) => assert(isErrno(e, 'EINTR')));
    });
    race.task('app-2', dequeue);
    race.task('hardware', give);
    race.task('signal', async () => {
      await sched.at(done.id);
      first?.interrupt('signal');
    });
  },
);

const booksNotAtomic = planted(
  {
    name: 'lost-charge',
    title: 'pinned_vm is what is pinned',
    defect: 'a driver reads pinned_vm, pins, and writes back the sum: another charge is lost',
    finds: 'leak',
    preemptions: 2,
  },
  (race, broken) => {
    const { sched } = race;
    const account = race.object('pinned_vm');
    let pinnedVm = 0;
    const charge = async (nrPages: number): Promise<void> => {
      await sched.at(account, broken ? 'read' : 'write');
      const before = pinnedVm;
      if (broken) await sched.at(account);
      pinnedVm = before + nrPages;
    };
    const register = async (): Promise<void> => {
      await charge(1);
      await charge(-1);
    };
    race.task('reg-1', register);
    race.task('reg-2', register);
    race.finish('nothing is charged', () => assert.equal(pinnedVm, 0));
  },
);

const pollThenArm = planted(
  {
    name: 'poll-then-arm',
    title: 'a completion between the poll and the arming is seen',
    defect: 'the application polls, arms the channel and sleeps without polling again',
    finds: 'deadlock',
    preemptions: 1,
  },
  (race, broken) => {
    const { sched } = race;
    const queue = new WaitQueue(sched, 'completion channel');
    let entries = 0;
    let armed = false;
    race.task('hardware', async () => {
      await sched.at(queue.id);
      entries++;
      if (armed) queue.wakeAll();
    });
    race.task('app', async (task) => {
      await sched.at(queue.id);
      if (entries > 0) return;
      await sched.at(queue.id);
      armed = true;
      await sched.at(queue.id);
      if (!broken && entries > 0) return;
      await queue.wait(task, { why: 'an event' });
    });
  },
);

const bufferTwice = planted(
  {
    name: 'buffer-done-twice',
    title: 'a buffer is given back once, by the hardware or by stop',
    defect: 'stopping the stream gives back a buffer that the hardware is finishing',
    finds: 'error',
    preemptions: 2,
  },
  (race, broken) => {
    const { sched } = race;
    const state = race.object('state of the buffer');
    let owner: 'driver' | 'hardware' | 'user' = 'driver';
    const done = (): void => {
      assert(owner !== 'user', 'buffer_done of a buffer that user space has');
      owner = 'user';
    };
    race.task('hardware', async () => {
      await sched.at(state);
      if (owner !== 'driver') return;
      owner = 'hardware';
      await sched.at(state);
      done();
    });
    race.task('stop', async () => {
      await sched.at(state);
      const active = broken ? owner !== 'user' : owner === 'driver';
      if (active) done();
    });
  },
);

export const queueBugs: readonly Planted[] = [
  completionBeforeData,
  wakeSwallowed,
  booksNotAtomic,
  pollThenArm,
  bufferTwice,
];
