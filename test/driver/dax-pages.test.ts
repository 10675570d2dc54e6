// Goal: pages of a device are mapped in place by faults, and nobody reaches them after close().

import test from 'ava';
import { DaxPages } from '../../lib/driver/dax-pages.js';
import { VmFault } from '../../lib/mm/vma.js';
import { pinUserPages } from '../../lib/mm/gup.js';
import { PAGE_SIZE, seconds } from '../../lib/units.js';
import { assertBalanced } from '../support/balance.js';
import { memoryMachine, newProcess, originOf } from '../support/mm-fixture.js';
import type { MemoryMachine } from '../support/mm-fixture.js';
import type { MM } from '../../lib/mm/mm.js';
import type { Task } from '../../lib/sched/index.js';

function bench() {
  const m = memoryMachine({ kernel: '7.2', sched: { mode: 'simulated' } });
  const base = m.env.pages.regions[1]!.basePfn + 8;
  let closed = 0;
  const pages = new DaxPages(m.env, '/dev/dax0.0', Uint32Array.of(base, base + 1), () => closed++);
  return { m, base, pages, nrClosed: () => closed };
}

const map = (task: Task, mm: MM, pages: DaxPages, nrPages: number) => {
  const { mapping, vmOps: ops } = pages;
  const file = { mapping, label: '/dev/dax0.0', writable: true, getFile() {}, putFile() {} };
  return mm.mmap(task, { len: nrPages * PAGE_SIZE, prot: 'rw', share: 'shared', file, ops });
};

const process = (m: MemoryMachine) => newProcess(m, 'app');

test('a store lands on the page of its place, and past the end is SIGBUS', async (t) => {
  const { m, base, pages } = bench();
  t.is(pages.len, 2 * PAGE_SIZE);
  await m.run(async (task) => {
    const { mm } = process(m);
    const addr = await map(task, mm, pages, 3);
    await mm.store(task, addr + PAGE_SIZE, Uint8Array.of(7));
    const byte = new Uint8Array(1);
    m.env.pages.read(base + 1, 0, byte);
    t.is(byte[0], 7);
    t.is(m.env.pages.owner(base + 1)?.pgoff, 1);
    const error = await t.throwsAsync(() => mm.load(task, addr + 2 * PAGE_SIZE, byte));
    t.true(error instanceof VmFault && error.signal === 'SIGBUS');
    t.true(mm.vmaAt(addr)!.isDax);
    t.false(mm.vmaAt(addr)!.isFsdax);
    await mm.exitMmap(task);
    await pages.close(task);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('close unmaps, waits for references, and forgets whose the pages were', async (t) => {
  const { m, base, pages, nrClosed } = bench();
  await m.run(async (task) => {
    const owner = process(m);
    const { mm } = owner;
    const addr = await map(task, mm, pages, 1);
    const pins = await pinUserPages(task, m.env, {
      ...{ mm, addr, len: 1, access: 'write', origin: originOf(owner) },
      ...{ longterm: true, irrevocable: true },
    });
    const gone = m.sched.spawn('close', (own) => pages.close(own));
    await m.sched.clock.sleep(task, seconds(1));
    t.false(pages.alive);
    t.is(nrClosed(), 0);
    const error = await t.throwsAsync(() => mm.load(task, addr, new Uint8Array(1)));
    t.true(error instanceof VmFault && error.signal === 'SIGBUS');
    pins.unpin();
    await gone.join(task);
    t.is(nrClosed(), 1);
    t.is(m.env.pages.owner(base), undefined);
    await mm.exitMmap(task);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});
