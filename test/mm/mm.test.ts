// Goal: mmap, munmap, mprotect and exit do what Linux's do, and leave nothing behind.

import test from 'ava';
import { Errno, isErrno } from '../../lib/errno.js';
import { gup } from '../../lib/mm/gup.js';
import { PAGE_SIZE, posOf } from '../../lib/units.js';
import { assertBalanced } from '../support/balance.js';
import {
  bytes,
  loaded,
  mapFile,
  memoryMachine,
  newProcess,
  TestFile,
  vmaOf,
} from '../support/mm-fixture.js';

test('mmap refuses no length, a bad address, and writing to what is read-only', async (t) => {
  const m = memoryMachine();
  const { mm } = newProcess(m, 'app');
  const file = new TestFile(m, 'pagecache', PAGE_SIZE, { writable: false });
  const common = { len: PAGE_SIZE, prot: 'rw', share: 'shared' } as const;
  const rows = [
    { req: { ...common, len: 0 }, code: 'EINVAL' },
    { req: { ...common, fixed: true, addr: 123 }, code: 'EINVAL' },
    { req: { ...common, file, ops: file.ops }, code: 'EACCES' },
  ] as const;
  await m.run(async (task) => {
    for (const { req, code } of rows) {
      const failed = await t.throwsAsync(mm.mmap(task, req));
      t.true(isErrno(failed, code), String(failed));
    }
    const addr = await mapFile(task, mm, file, 1, { prot: 'r' });
    const denied = await t.throwsAsync(mm.mprotect(task, addr, PAGE_SIZE, 'rw'));
    t.true(isErrno(denied, 'EACCES'));
    await mm.mmap(task, { ...common, share: 'private', file, ops: file.ops });
    await mm.exitMmap(task);
    t.is(file.refs, 0);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('a fixed mapping takes the place of what was there; noreplace is EEXIST', async (t) => {
  const m = memoryMachine();
  const { mm } = newProcess(m, 'app');
  const file = new TestFile(m, 'pagecache', posOf(4));
  await m.run(async (task) => {
    const addr = await mapFile(task, mm, file, 4);
    await mm.store(task, addr, bytes(posOf(4), 5));
    const middle = { len: PAGE_SIZE, prot: 'rw', share: 'private', addr: addr + posOf(1) } as const;
    const failed = await t.throwsAsync(mm.mmap(task, { ...middle, fixed: 'noreplace' }));
    t.true(isErrno(failed, 'EEXIST'));
    t.is(await mm.mmap(task, { ...middle, fixed: true }), addr + posOf(1));
    t.is(file.refs, 2);
    t.deepEqual(await loaded(task, mm, addr + posOf(1) - 1, 3), Uint8Array.of(5, 0, 0));
    t.is(vmaOf(mm, addr + posOf(2)).pgoff, 2);
    await mm.exitMmap(task);
    t.is(file.refs, 0);
    file.drop(0);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('a mapping that loses its middle is two over one table', async (t) => {
  const m = memoryMachine();
  const { mm } = newProcess(m, 'app');
  const file = new TestFile(m, 'fsdax', posOf(6));
  await m.run(async (task) => {
    const addr = await mapFile(task, mm, file, 6);
    await mm.store(task, addr, bytes(posOf(6), 3));
    const faults = file.nrFaults;
    await mm.munmap(task, addr + posOf(2), posOf(2));
    t.is(mm.vmas.size, 2);
    t.is(file.mapping.vmas.size, 2);
    t.is(vmaOf(mm, addr).ptes.buffer, vmaOf(mm, addr + posOf(5)).ptes.buffer);
    t.deepEqual(await loaded(task, mm, addr + posOf(4), posOf(2)), bytes(posOf(2), 3));
    t.is(file.nrFaults, faults, 'what stayed mapped was not faulted again');
    t.is(m.env.pages.mapcount(file.page(2)), 0);
    t.is(m.env.pages.mapcount(file.page(4)), 1);
    await t.throwsAsync(loaded(task, mm, addr + posOf(3), 1), { message: /SIGSEGV.*MAPERR/ });
    await mm.munmap(task, addr, posOf(6));
    await mm.munmap(task, addr, posOf(6)); // nothing there: no error
    t.is(mm.vmas.size, 0);
    t.is(file.refs, 0);
    t.false(file.mapping.mapped);
    file.drop(0);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('mprotect takes rights and gives them back; private pages stay', async (t) => {
  const m = memoryMachine();
  const { mm } = newProcess(m, 'app');
  await m.run(async (task) => {
    const addr = await mapFile(task, mm, null, 3, { share: 'private' });
    await mm.store(task, addr, bytes(posOf(3), 8));
    await mm.mprotect(task, addr + posOf(1), PAGE_SIZE, 'r');
    await t.throwsAsync(mm.store(task, addr + posOf(1), bytes(1, 1)), { message: /ACCERR/ });
    await mm.store(task, addr, bytes(1, 1));
    await mm.mprotect(task, addr, posOf(3), '');
    for (const page of [0, 1, 2]) {
      await t.throwsAsync(loaded(task, mm, addr + posOf(page), 1), { message: /SIGSEGV/ });
    }
    const out = new Uint32Array(1);
    const pin = gup(task, mm, addr, 1, { write: false, kind: 'pin' }, out);
    t.true(isErrno(await t.throwsAsync(pin), 'EFAULT'));
    await mm.mprotect(task, addr, posOf(3), 'rw');
    t.deepEqual(await loaded(task, mm, addr + posOf(1), PAGE_SIZE), bytes(PAGE_SIZE, 8));
    await mm.store(task, addr + posOf(1), bytes(1, 2));
    await mm.exitMmap(task);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('mprotect over a hole changes what lies before it and is ENOMEM', async (t) => {
  const m = memoryMachine();
  const { mm } = newProcess(m, 'app');
  await m.run(async (task) => {
    const addr = await mapFile(task, mm, null, 3);
    await mm.munmap(task, addr + posOf(1), PAGE_SIZE);
    const failed = await t.throwsAsync(mm.mprotect(task, addr, posOf(3), 'r'));
    t.true(isErrno(failed, 'ENOMEM'));
    t.false(vmaOf(mm, addr).prot.write);
    t.true(vmaOf(mm, addr + posOf(2)).prot.write);
    t.true(isErrno(await t.throwsAsync(mm.mprotect(task, addr + 1, 1, 'r')), 'EINVAL'));
    t.true(isErrno(await t.throwsAsync(mm.munmap(task, addr + 1, 1)), 'EINVAL'));
    await mm.exitMmap(task);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('at exit notifiers are released first, then pages unmapped, then files put', async (t) => {
  const m = memoryMachine();
  const { mm } = newProcess(m, 'app');
  const file = new TestFile(m, 'fsdax', posOf(2));
  const order: string[] = [];
  await m.run(async (task) => {
    const addr = await mapFile(task, mm, file, 2);
    await mm.store(task, addr, bytes(posOf(2), 1));
    const pfn = file.page(0);
    mm.notifiers.insert({
      start: addr,
      end: addr + posOf(2),
      label: 'odp',
      invalidate: (_task, range) => {
        order.push(`${range.event}, ${m.env.pages.mapcount(pfn)} mapped, ${file.refs} files`);
      },
    });
    await mm.exitMmap(task);
    t.deepEqual(order, ['release, 1 mapped, 1 files', 'unmap, 1 mapped, 1 files']);
    t.is(file.refs, 0);
    t.true(mm.dead);
    file.drop(0);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('a device mapping is set up unseen; if that fails nothing is mapped', async (t) => {
  const m = memoryMachine();
  const { mm } = newProcess(m, 'app');
  const file = new TestFile(m, 'fsdax', posOf(1));
  const req = { len: PAGE_SIZE, prot: 'rw', share: 'shared', file, ops: file.ops } as const;
  await m.run(async (task) => {
    const failing = mm.mmap(task, {
      ...req,
      setup: () => {
        throw new Error('no such buffer');
      },
    });
    await t.throwsAsync(failing, { message: 'no such buffer' });
    t.is(mm.vmas.size, 0);
    t.is(file.refs, 0);
    const addr = await mm.mmap(task, {
      ...req,
      setup: (vma) => void (vma.privateData = 'buffer 0'),
    });
    t.is(vmaOf(mm, addr).privateData, 'buffer 0');
    t.is(mm.findVma(addr, PAGE_SIZE), vmaOf(mm, addr));
    t.true(
      isErrno(
        t.throws(() => mm.findVma(addr, PAGE_SIZE + 1)),
        'EFAULT',
      ),
    );
    await mm.exitMmap(task);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('a fixed mapping whose set-up fails has unmapped what was there, and let go of its file', async (t) => {
  const m = memoryMachine();
  const { mm } = newProcess(m, 'app');
  const file = new TestFile(m, 'fsdax', posOf(1));
  const req = { len: PAGE_SIZE, prot: 'rw', share: 'shared', file, ops: file.ops } as const;
  await m.run(async (task) => {
    const addr = await mm.mmap(task, req);
    const setup = (): never => {
      throw new Errno('EAGAIN', 'no room');
    };
    const failed = await t.throwsAsync(mm.mmap(task, { ...req, addr, fixed: true, setup }));
    t.true(isErrno(failed, 'EAGAIN'));
    t.is(mm.vmaAt(addr), undefined);
    t.is(file.refs, 0);
    await mm.exitMmap(task);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});
