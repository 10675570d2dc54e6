// Goal: get_user_pages answers as Linux does past the table of checks: short counts, faults that
// fail, the zero page, and the race with whoever unmaps in order to free.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { gup, pinUserPages, type GupFlags } from '../../lib/mm/gup.js';
import type { MM } from '../../lib/mm/mm.js';
import type { Task } from '../../lib/sched/index.js';
import { PAGE_SIZE, posOf } from '../../lib/units.js';
import { assertBalanced } from '../support/balance.js';
import {
  bytes,
  mapFile,
  memoryMachine,
  newProcess,
  originOf,
  TestFile,
  vmaOf,
} from '../support/mm-fixture.js';

const pinRead: GupFlags = { write: false, kind: 'pin' };
const pinWrite: GupFlags = { write: true, kind: 'pin' };
const getRead: GupFlags = { write: false, kind: 'get' };
const modes = [
  { name: 'live', sched: { mode: 'live' } },
  { name: 'simulated', sched: { mode: 'simulated', seed: 3 } },
] as const;

const answerOf = (task: Task, mm: MM, addr: number, nr: number, flags: GupFlags): Promise<string> =>
  gup(task, mm, addr, nr, flags, new Uint32Array(nr)).then(
    (n) => `${n}`,
    (e: unknown) => (isErrno(e) ? e.code : String(e)),
  );

for (const { name, sched } of modes) {
  test(`${name}: past the end of the file a pin is EFAULT, or short (facts 2.2 row 8)`, async (t) => {
    const m = memoryMachine({ sched });
    const { mm } = newProcess(m, 'app');
    const file = new TestFile(m, 'fsdax', posOf(3) + 1);
    await m.run(async (task) => {
      const addr = await mapFile(task, mm, file, 8);
      const out = new Uint32Array(8);
      t.is(await gup(task, mm, addr + PAGE_SIZE, 5, pinRead, out), 3);
      t.deepEqual([...out.subarray(0, 3)], [file.page(1), file.page(2), file.page(3)]);
      t.is(await answerOf(task, mm, addr + posOf(4), 2, pinRead), 'EFAULT');
      m.env.pages.unpinPages(out, 0, 3);
      await mm.exitMmap(task);
      file.drop(0);
    });
    assertBalanced(t, m.env, { mms: m.mms });
  });

  test(`${name}: a pin where nothing is mapped is EFAULT, or short (facts 2.2 row 7)`, async (t) => {
    const m = memoryMachine({ sched });
    const { mm } = newProcess(m, 'app');
    await m.run(async (task) => {
      const upper = await mapFile(task, mm, null, 2);
      const addr = await mapFile(task, mm, null, 2, { share: 'private' });
      t.is(addr + posOf(2), upper, 'mappings grow downwards, each right below the last');
      const out = new Uint32Array(5);
      t.is(await gup(task, mm, addr, 5, pinWrite, out), 4);
      m.env.pages.unpinPages(out, 0, 4);
      await mm.munmap(task, addr + PAGE_SIZE, PAGE_SIZE);
      t.is(await answerOf(task, mm, addr + PAGE_SIZE, 1, pinWrite), 'EFAULT');
      t.is(await gup(task, mm, addr, 5, getRead, out), 1);
      m.env.pages.putPages(out, 0, 1);
      await mm.exitMmap(task);
    });
    assertBalanced(t, m.env, { mms: m.mms });
  });

  test(`${name}: the zero page takes no pins, but a get of it counts`, async (t) => {
    const m = memoryMachine({ sched });
    const { mm } = newProcess(m, 'app');
    const { pages, vmstat } = m.env;
    await m.run(async (task) => {
      const addr = await mapFile(task, mm, null, 2, { share: 'private' });
      const out = new Uint32Array(2);
      t.is(await gup(task, mm, addr, 2, pinRead, out), 2);
      t.deepEqual([...out], [pages.zeroPfn, pages.zeroPfn]);
      t.is(pages.refs(pages.zeroPfn), 0);
      t.is(vmstat.counters.nrFollPinAcquired, 0);
      pages.unpinPages(out, 0, 2);
      t.is(vmstat.counters.nrFollPinReleased, 0);
      t.is(await gup(task, mm, addr, 2, getRead, out), 2);
      t.is(pages.refs(pages.zeroPfn), 2);
      pages.putPages(out, 0, 2);
      await mm.exitMmap(task);
    });
    assertBalanced(t, m.env, { mms: m.mms });
  });

  test(`${name}: without a free page a pin is ENOMEM and leaves nothing (facts 2.2 row 8)`, async (t) => {
    const m = memoryMachine({ sched, ramPages: 5 });
    const { mm } = newProcess(m, 'app');
    await m.run(async (task) => {
      const addr = await mapFile(task, mm, null, 8, { share: 'private' });
      const request = {
        mm,
        addr,
        len: posOf(8),
        access: 'write',
        longterm: false,
        origin: originOf(mm.process!),
      } as const;
      const failed = await t.throwsAsync(pinUserPages(task, m.env, request));
      t.true(isErrno(failed, 'ENOMEM'), String(failed));
      const short = { ...request, onShort: 'EFAULT' } as const;
      const shortened = await t.throwsAsync(pinUserPages(task, m.env, short));
      t.true(isErrno(shortened, 'EFAULT'), String(shortened));
      await mm.exitMmap(task);
    });
    assertBalanced(t, m.env, { mms: m.mms });
  });
}

test('a read-only long-term pin of private memory gets a page of its own since 6.2', async (t) => {
  for (const kernel of ['6.1', '6.12', '7.2'] as const) {
    for (const kind of [null, 'pagecache'] as const) {
      const m = memoryMachine({ kernel });
      const { mm } = newProcess(m, 'app');
      const file = kind === null ? null : new TestFile(m, kind, PAGE_SIZE);
      await m.run(async (task) => {
        const addr = await mapFile(task, mm, file, 1, { share: 'private' });
        const shared = file?.page(0) ?? m.env.pages.zeroPfn;
        const out = new Uint32Array(1);
        await gup(task, mm, addr, 1, { ...pinRead, longterm: true }, out);
        t.is(out[0] === shared, kernel === '6.1', `${kernel}, ${String(kind)}`);
        await mm.store(task, addr, bytes(8, 7));
        const seen = new Uint8Array(1);
        m.env.pages.read(out, 0, seen);
        t.is(seen[0], kernel === '6.1' ? 0 : 7, 'who holds the page sees the stores since');
        m.env.pages.unpinPages(out, 0, 1);
        await mm.exitMmap(task);
        file?.drop(0);
      });
      assertBalanced(t, m.env, { mms: m.mms });
    }
  }
});

test('FOLL_FORCE breaks COW of a read-only private mapping and leaves it read-only', async (t) => {
  const m = memoryMachine();
  const { mm } = newProcess(m, 'app');
  const file = new TestFile(m, 'pagecache', PAGE_SIZE);
  await m.run(async (task) => {
    const addr = await mapFile(task, mm, file, 1, { share: 'private', prot: 'r' });
    const out = new Uint32Array(1);
    await gup(task, mm, addr, 1, { ...pinWrite, force: true }, out);
    t.not(out[0], file.page(0));
    m.env.pages.write(out, 0, bytes(4, 9));
    const seen = new Uint8Array(4);
    await mm.load(task, addr, seen);
    t.deepEqual(seen, bytes(4, 9));
    await t.throwsAsync(mm.store(task, addr, bytes(1, 1)), { message: /SIGSEGV/ });
    m.env.pages.unpinPages(out, 0, 1);
    await mm.exitMmap(task);
    file.drop(0);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

// The race that native/page_counters.h argues about, run in many orders: either truncate sees the
// pin and waits, or the pinner sees the cleared entry and faults, which fails past the end.
test('in no order is a page freed under a pin of the fast path', async (t) => {
  let waited = 0;
  let faulted = 0;
  for (let seed = 1; seed <= 300; seed++) {
    const m = memoryMachine({ sched: { mode: 'simulated', seed } });
    const process = newProcess(m, 'app');
    const { mm } = process;
    const file = new TestFile(m, 'fsdax', posOf(4));
    await m.run(async (task) => {
      const addr = await mapFile(task, mm, file, 4);
      await mm.load(task, addr, new Uint8Array(posOf(4)));
      let sleeping = false;
      const truncate = m.sched.spawn('truncate', (worker) =>
        file.truncate(worker, 0, () => {
          sleeping = true;
        }),
      );
      const request = { mm, addr, len: posOf(4), access: 'read', longterm: false } as const;
      const pins = await pinUserPages(task, m.env, { ...request, origin: originOf(process) }).catch(
        (e: unknown) => {
          t.true(isErrno(e, 'EFAULT'), String(e));
          return null;
        },
      );
      if (pins === null) faulted++;
      else {
        for (let i = 0; i < 10; i++) await m.sched.at(file.mapping.id, 'read');
        for (const pfn of pins.pfns) t.is(m.env.pages.mappingOf(pfn), file.mapping, `seed ${seed}`);
        pins.unpin();
      }
      await truncate.join(task);
      if (sleeping) waited++;
      await mm.exitMmap(task);
    });
    assertBalanced(t, m.env, { mms: m.mms });
  }
  t.true(waited > 10 && faulted > 10, `waited ${waited}, faulted ${faulted}`);
});

test('an entry that changed between the raise and the second look is put back', async (t) => {
  const m = memoryMachine();
  const { mm } = newProcess(m, 'app');
  const file = new TestFile(m, 'fsdax', posOf(1));
  await m.run(async (task) => {
    const addr = await mapFile(task, mm, file, 1);
    await mm.load(task, addr, new Uint8Array(1));
    const vma = vmaOf(mm, addr);
    const { native } = m.env.pages;
    const [entry, out] = [new Uint32Array(1), new Uint32Array(1)];
    t.is(native.gupRead(vma.ptes, 0, 1, false, entry, 0), 1);
    t.is(native.gupRaise(entry, 0, 1, true), 1);
    await file.cut(task, 0);
    t.is(native.gupRecheck(vma.ptes, 0, 1, entry, 0, true, out, 0), 0);
    await mm.exitMmap(task);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('a task killed after the fast path keeps its gets; a whole pin is undone', async (t) => {
  const m = memoryMachine({ sched: { mode: 'simulated' } });
  const process = newProcess(m, 'app');
  const { mm } = process;
  const file = new TestFile(m, 'fsdax', posOf(4));
  await m.run(async (task) => {
    const addr = await mapFile(task, mm, file, 4);
    await mm.load(task, addr, new Uint8Array(posOf(2)));
    await mm.mmapLock.downWrite(task);
    const out = new Uint32Array(4);
    const getter = m.sched.spawn('get', (w) => gup(w, mm, addr, 4, getRead, out));
    const request = { mm, addr, len: posOf(4), access: 'read', longterm: false } as const;
    const pinner = m.sched.spawn('pin', (w) =>
      pinUserPages(w, m.env, { ...request, origin: originOf(process) }).then(
        () => 'pinned',
        (e: unknown) => (isErrno(e) ? e.code : String(e)),
      ),
    );
    await m.sched.clock.sleep(task, 1);
    getter.task.interrupt('kill');
    pinner.task.interrupt('kill');
    t.is(await getter.join(task), 2);
    t.is(await pinner.join(task), 'EINTR');
    mm.mmapLock.upWrite(task);
    m.env.pages.putPages(out, 0, 2);
    await mm.exitMmap(task);
    file.drop(0);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});
