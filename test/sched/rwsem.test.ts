// Goal: a read-write semaphore is what its model says. Method: random commands, model beside it.

import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { RwSem, Scheduler, type Task, WaitQueue } from '../../lib/sched/index.js';

/** First come first served; a queued reader that gets it takes all queued readers along. */
class Model {
  writer: number | null = null;
  readonly readers = new Set<number>();
  queue: { id: number; access: 'read' | 'write' }[] = [];

  down(id: number, access: 'read' | 'write'): void {
    this.queue.push({ id, access });
    if (this.queue.length === 1) this.grant();
  }

  up(id: number): void {
    if (this.writer === id) this.writer = null;
    else this.readers.delete(id);
    this.grant();
  }

  leave(id: number): void {
    this.queue = this.queue.filter((w) => w.id !== id);
    this.grant();
  }

  private grant(): void {
    const first = this.queue[0];
    if (first === undefined || this.writer !== null) return;
    if (first.access === 'write') {
      if (this.readers.size > 0) return;
      this.writer = first.id;
      this.queue.shift();
    } else {
      for (const w of this.queue) if (w.access === 'read') this.readers.add(w.id);
      this.queue = this.queue.filter((w) => w.access === 'write');
    }
  }
}

/** A task that takes the semaphore, holds it until told, and lets it go; or is killed waiting. */
class Client {
  readonly id: number;
  readonly access: 'read' | 'write';
  readonly go: WaitQueue;
  task: Task | null = null;
  state: 'waiting' | 'holding' | 'gone' = 'waiting';
  told = false;

  constructor(sched: Scheduler, sem: RwSem, id: number, access: 'read' | 'write') {
    this.id = id;
    this.access = access;
    this.go = new WaitQueue(sched, `client ${id}`);
    sched.spawn(`client ${id}`, (task) => this.#live(task, sem));
  }

  async #live(task: Task, sem: RwSem): Promise<void> {
    this.task = task;
    try {
      if (this.access === 'read') await sem.downRead(task, 'killable');
      else await sem.downWrite(task, 'killable');
    } catch (e) {
      if (!isErrno(e, 'EINTR')) throw e;
      this.state = 'gone';
      return;
    }
    this.state = 'holding';
    await this.go.waitEvent(task, () => this.told, { mode: 'uninterruptible', why: 'the test' });
    if (this.access === 'read') sem.upRead(task);
    else sem.upWrite(task);
    this.state = 'gone';
  }
}

const command = fc.record({
  kind: fc.constantFrom('read', 'write', 'up', 'kill'),
  pick: fc.nat(9),
});

testProp(
  'holders and waiters are those of the model after every command',
  [fc.array(command, { maxLength: 40 })],
  async (t, commands) => {
    const sched = new Scheduler({ mode: 'simulated' });
    const sem = new RwSem(sched, 'sem');
    const model = new Model();
    const clients: Client[] = [];
    t.is(sem.holders.length, 0);
    for (const { kind, pick } of commands) {
      const holding = clients.filter((c) => c.state === 'holding');
      const waiting = clients.filter((c) => c.state === 'waiting');
      if (kind === 'up') {
        const client = holding[pick % holding.length];
        if (client === undefined) continue;
        client.told = true;
        client.go.wakeAll();
        model.up(client.id);
      } else if (kind === 'kill') {
        const client = waiting[pick % waiting.length];
        if (client === undefined) continue;
        client.task?.interrupt('kill');
        model.leave(client.id);
      } else {
        const access = kind as 'read' | 'write';
        clients.push(new Client(sched, sem, clients.length, access));
        model.down(clients.length - 1, access);
      }
      await sched.settle();
      const ids = clients.filter((c) => c.state === 'holding').map((c) => c.id);
      const expected = model.writer === null ? [...model.readers] : [model.writer];
      t.deepEqual(
        ids,
        expected.sort((a, b) => a - b),
      );
      t.is(sem.nrWaiters, model.queue.length);
      t.is(sem.holders.length, ids.length);
    }
  },
);

testProp(
  'a writer is alone, readers are together, whatever the schedule',
  [fc.integer(), fc.array(fc.boolean(), { minLength: 2, maxLength: 6 })],
  async (t, seed, writes) => {
    const sched = new Scheduler({ mode: 'simulated', seed });
    const sem = new RwSem(sched, 'sem');
    let readers = 0;
    let writers = 0;
    await sched.run('main', async () => {
      for (const [i, isWriter] of writes.entries()) {
        sched.spawn(`t${i}`, async (task) => {
          using _guard = isWriter ? await sem.write(task) : await sem.read(task);
          if (isWriter) writers++;
          else readers++;
          t.true(writers === 0 || (writers === 1 && readers === 0));
          await sched.at(1);
          if (isWriter) writers--;
          else readers--;
        });
      }
    });
    t.is(sem.holders.length, 0);
  },
);

test('a reader that comes after a waiting writer does not overtake it', async (t) => {
  const sched = new Scheduler({ mode: 'live' });
  const sem = new RwSem(sched, 'sem');
  await sched.enter('reader', async (task) => {
    await sem.downRead(task);
    const writer = sched.enter('writer', async (w) => {
      await sem.downWrite(w);
      t.true(sem.isLockedBy(w, 'write'));
      sem.upWrite(w);
    });
    await sched.enter('late', async (late) => {
      t.false(sem.tryDownRead(late));
      t.false(sem.tryDownWrite(late));
    });
    sem.upRead(task);
    await writer;
    await sched.enter('later', async (later) => {
      t.true(sem.tryDownRead(later));
      t.false(sem.isLockedBy(later, 'write'));
      sem.upRead(later);
      t.true(sem.tryDownWrite(later));
      sem.upWrite(later);
    });
  });
});

test('downgrading lets waiting readers in and keeps writers out', async (t) => {
  const sched = new Scheduler({ mode: 'live' });
  const sem = new RwSem(sched, 'sem');
  const log: string[] = [];
  await sched.enter('w', async (task) => {
    await sem.downWrite(task);
    const reader = sched.enter('r', async (r) => {
      using _guard = await sem.read(r);
      log.push('read');
    });
    const writer = sched.enter('w2', async (w) => {
      using _guard = await sem.write(w);
      log.push('written');
    });
    sem.downgradeWrite(task);
    t.true(sem.isLockedBy(task) && !sem.isLockedBy(task, 'write'));
    await reader;
    t.deepEqual(log, ['read']);
    sem.upRead(task);
    await writer;
  });
  t.deepEqual(log, ['read', 'written']);
});
