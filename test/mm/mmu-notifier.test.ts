// Goal: who mirrors a range is told before its pages go, and never uses what it read too early.

import test from 'ava';
import { faultRange } from '../../lib/mm/hmm.js';
import type { IntervalNotifier } from '../../lib/mm/mmu-notifier.js';
import { Mutex, lockClasses, type Task } from '../../lib/sched/index.js';
import { PAGE_SIZE, posOf } from '../../lib/units.js';
import { assertBalanced } from '../support/balance.js';
import { bytes, mapFile, memoryMachine, newProcess, TestFile } from '../support/mm-fixture.js';

test('each way to lose a page tells who mirrors it, before the entry goes', async (t) => {
  const m = memoryMachine();
  const { mm } = newProcess(m, 'app');
  const file = new TestFile(m, 'fsdax', posOf(4));
  const told: string[] = [];
  await m.run(async (task) => {
    const addr = await mapFile(task, mm, file, 4);
    const own = await mapFile(task, mm, null, 1, { share: 'private' });
    const watch = (start: number, pages: number): IntervalNotifier =>
      mm.notifiers.insert({
        start,
        end: start + posOf(pages),
        label: 'mirror',
        invalidate: (_task, range) => {
          const mapped = mm.vmaAt(start)?.pte(0) !== 0;
          told.push(`${range.event}${mapped ? '' : ', too late'}`);
        },
      });
    const watches = [watch(addr, 1), watch(own, 1)];
    const touch = async (): Promise<void> => mm.store(task, addr, bytes(1, 1));
    await touch();
    await mm.mprotect(task, addr, PAGE_SIZE, 'r');
    await mm.mprotect(task, addr, PAGE_SIZE, 'rw');
    await touch();
    await mm.madvise(task, addr, PAGE_SIZE, 'dontneed');
    await touch();
    await file.mapping.unmapMappingRange(task, 0, 1);
    await touch();
    await file.mapping.unmapMappingRange(task, 1, 4); // elsewhere: nobody is told
    await mm.load(task, own, new Uint8Array(1));
    await mm.store(task, own, bytes(1, 1));
    await mm.munmap(task, addr, PAGE_SIZE);
    t.deepEqual(told, ['protect', 'protect', 'dontneed', 'unmap', 'cow', 'unmap']);
    for (const interval of watches) await mm.notifiers.remove(task, interval);
    t.true(mm.notifiers.empty);
    await mm.exitMmap(task);
    file.drop(0);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

/** An on-demand device: one page, mirrored under its lock. */
class Mirror {
  readonly lock: Mutex;
  readonly interval: IntervalNotifier;
  pfn: number | null = null;

  constructor(m: ReturnType<typeof memoryMachine>, interval: (mirror: Mirror) => IntervalNotifier) {
    this.lock = new Mutex(m.sched, 'mirror', { lockClass: lockClasses.notifier });
    this.interval = interval(this);
  }

  async fault(task: Task, addr: number): Promise<void> {
    for (;;) {
      const seq = await this.interval.readBegin(task);
      const [page] = await faultRange(task, this.interval.mm, {
        start: addr,
        end: addr + PAGE_SIZE,
        write: false,
      });
      await this.lock.lock(task);
      const stale = this.interval.readRetry(seq);
      if (!stale) this.pfn = page!.pfn;
      this.lock.unlock(task);
      if (!stale) return;
    }
  }
}

test('whatever the order, a mirror never keeps a page that its file has given up', async (t) => {
  let refused = 0;
  for (let seed = 1; seed <= 200; seed++) {
    const m = memoryMachine({ sched: { mode: 'simulated', seed } });
    const { mm } = newProcess(m, 'app');
    const file = new TestFile(m, 'fsdax', posOf(1));
    await m.run(async (task) => {
      const addr = await mapFile(task, mm, file, 1);
      const mirror = new Mirror(m, (self) =>
        mm.notifiers.insert({
          start: addr,
          end: addr + PAGE_SIZE,
          label: 'mirror',
          invalidate: async (worker) => {
            await self.lock.lock(worker);
            self.pfn = null;
            self.lock.unlock(worker);
          },
        }),
      );
      await mm.load(task, addr, new Uint8Array(1));
      const cut = m.sched.spawn('cut', (worker) => file.cut(worker, 0));
      await mirror.fault(task, addr).catch((e: unknown) => {
        t.regex(String(e), /EFAULT/);
        refused++;
      });
      await cut.join(task);
      t.is(mirror.pfn, null, `seed ${seed}`);
      await mm.notifiers.remove(task, mirror.interval);
      await mm.exitMmap(task);
    });
    assertBalanced(t, m.env, { mms: m.mms });
  }
  t.true(refused > 10 && refused < 190, `${refused}`);
});

test('who begins to mirror during an invalidation waits for its end', async (t) => {
  const m = memoryMachine({ sched: { mode: 'simulated' } });
  const { mm } = newProcess(m, 'app');
  await m.run(async (task) => {
    const spec = { start: 0, end: PAGE_SIZE, label: 'late', invalidate: () => {} };
    const running = await mm.notifiers.invalidateStart(task, 0, PAGE_SIZE, 'unmap');
    const late = mm.notifiers.insert(spec);
    const elsewhere = mm.notifiers.insert({ ...spec, start: PAGE_SIZE, end: posOf(2) });
    t.is(await elsewhere.readBegin(task), 0);
    let began = -1;
    const reader = m.sched.spawn('reader', async (worker) => {
      began = await late.readBegin(worker);
    });
    await m.sched.clock.sleep(task, 1);
    t.is(began, -1);
    mm.notifiers.invalidateEnd(running);
    await reader.join(task);
    t.is(began, 2);
    t.false(late.readRetry(began));
    mm.notifiers.invalidateEnd(await mm.notifiers.invalidateStart(task, 0, 1, 'unmap'));
    t.true(late.readRetry(began));
  });
});
