// Goal: the table says who pins what: by file, by page, by process, and as file_pins prints it.

import test from 'ava';
import { pinUserPages } from '../../lib/mm/gup.js';
import { posOf } from '../../lib/units.js';
import { assertBalanced } from '../support/balance.js';
import { mapFile, memoryMachine, newProcess, originOf, TestFile } from '../support/mm-fixture.js';

test('pins are found by range, page and process, and gone after the unpin', async (t) => {
  const m = memoryMachine();
  const [a, b] = [newProcess(m, 'a'), newProcess(m, 'b')];
  const file = new TestFile(m, 'fsdax', posOf(8));
  const { pinTable } = m.env;
  await m.run(async (task) => {
    const pin = async (process: typeof a, page: number, nr: number, device: string) => {
      const addr = (await mapFile(task, process.mm, file, 8)) + posOf(page);
      const origin = originOf(process, device, '/data');
      const request = { mm: process.mm, addr, len: posOf(nr), access: 'read', origin } as const;
      return pinUserPages(task, m.env, { ...request, longterm: false });
    };
    const first = await pin(a, 0, 2, 'rdma0');
    const second = await pin(a, 1, 3, 'rdma0');
    const third = await pin(b, 6, 1, 'video0');
    t.deepEqual(pinTable.pinsOf(file.mapping), [first, second, third]);
    t.deepEqual(pinTable.pinsOf(file.mapping, 2, 6), [second]);
    t.deepEqual(pinTable.pinsOfPage(file.page(1)), [first, second]);
    t.deepEqual(pinTable.pinsOfProcess(b), [third]);
    t.deepEqual(pinTable.filesPinnedBy(a), ['/data']);
    t.deepEqual([...pinTable], [first, second, third]);
    for (const pins of [first, second, third]) pins.unpin();
    t.is(pinTable.size, 0);
    for (const { mm } of [a, b]) await mm.exitMmap(task);
    file.drop(0);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('pins of anonymous memory name no file', async (t) => {
  const m = memoryMachine();
  const process = newProcess(m, 'a');
  await m.run(async (task) => {
    const addr = await mapFile(task, process.mm, null, 1, { share: 'private' });
    using pins = await pinUserPages(task, m.env, {
      mm: process.mm,
      addr,
      len: 1,
      access: 'write',
      longterm: true,
      irrevocable: true,
      origin: originOf(process),
    });
    t.deepEqual(pins.pieces, [{ mapping: null, pgoff: 0, nrPages: 1 }]);
    t.deepEqual(m.env.pinTable.filesPinnedBy(process), []);
    await process.mm.exitMmap(task);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('files pinned through an open file are told by it, not by who opened it', async (t) => {
  const m = memoryMachine();
  const [a, b] = [newProcess(m, 'a'), newProcess(m, 'b')];
  const file = new TestFile(m, 'fsdax', posOf(2));
  const { pinTable } = m.env;
  const openFile = {};
  await m.run(async (task) => {
    const pins = [];
    for (const [process, path] of [[a, '/y'] as const, [b, '/x'] as const, [a, '/y'] as const]) {
      const addr = await mapFile(task, process.mm, file, 2);
      const origin = { ...originOf(process, 'rdma0', path), openFile };
      const request = { mm: process.mm, addr, len: 1, access: 'read', origin } as const;
      pins.push(await pinUserPages(task, m.env, { ...request, longterm: false }));
    }
    t.deepEqual(pinTable.filesPinnedThrough(openFile), ['/x', '/y']);
    t.deepEqual(pinTable.filesPinnedThrough({}), []);
    for (const process of [a, b]) t.deepEqual(pinTable.filesPinnedBy(process), []);
    for (const p of pins) p.unpin();
    t.deepEqual(pinTable.filesPinnedThrough(openFile), []);
    for (const { mm } of [a, b]) await mm.exitMmap(task);
    file.drop(0);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});
