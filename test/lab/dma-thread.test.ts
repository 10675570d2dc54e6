// Goal: a worker thread writes to the memory of a live machine while the main thread goes on; what
// it has begun is over before a mapping is gone; it sees whose pages it meets.

import test from 'ava';
import { DmaBeside } from '../../lib/lab/dma-thread.js';
import { bootMachine, type Machine } from '../../lib/machine.js';
import { KiB, MiB, PAGE_SIZE } from '../../lib/units.js';
import nullDriver from '../../drivers/null/index.js';

async function onMachine(fn: (machine: Machine, beside: DmaBeside) => Promise<void>) {
  const machine = await bootMachine({ size: 4 * MiB, ram: 1 * MiB, drivers: [nullDriver] });
  const beside = new DmaBeside(machine);
  try {
    await fn(machine, beside);
  } finally {
    beside.end();
    await machine.powerOff();
  }
}

/** Pages of the RAM, mapped for the first device of the machine. */
function mapped(machine: Machine, nrPages: number) {
  const [dev] = machine.drivers.devices;
  const pfns = Uint32Array.from({ length: nrPages }, () => machine.mm.allocator.allocPage({}));
  const mapping = dev!.dmaMap({ borrowed: pfns, pos: 0, len: nrPages * PAGE_SIZE }, 'from-device');
  const read = (pos: number, len: number): Uint8Array => {
    const bytes = new Uint8Array(len);
    machine.mm.pages.read(pfns, pos, bytes);
    return bytes;
  };
  return { dev: dev!, pfns, mapping, read };
}

test('the bytes of a transfer are the thread’s to move, and the main thread goes on', async (t) => {
  await onMachine(async (machine, beside) => {
    const { dev, mapping, read } = mapped(machine, 3);
    const bytes = Uint8Array.from({ length: 2 * PAGE_SIZE }, (_, i) => i % 251);
    let over = false;
    const written = dev.bus.write(mapping, 100, bytes).then(() => (over = true));
    t.true(dev.bus.isBeside);
    await Promise.resolve();
    t.false(over, 'it is under way');
    await written;
    t.deepEqual(read(100, bytes.length), bytes);
    t.deepEqual([beside.transfers, beside.strangers], [1, 0]);
    dev.dmaUnmap(mapping);
  });
});

test('nothing arrives after the mapping is gone', async (t) => {
  await onMachine(async (machine) => {
    const { dev, mapping, read } = mapped(machine, 16);
    const written = dev.bus.write(mapping, 0, new Uint8Array(64 * KiB).fill(7));
    dev.dmaUnmap(mapping); // waits, without the event loop
    t.true(read(0, 64 * KiB).every((b) => b === 7));
    await written;
    t.is(machine.referee.verdict().transfers, 1, 'judged once');
  });
});

test('pages are copied from page to page', async (t) => {
  await onMachine(async (machine) => {
    const [a, b] = [mapped(machine, 2), mapped(machine, 2)];
    machine.mm.pages.fill(a.pfns, 0, 2 * PAGE_SIZE, 9);
    await a.dev.bus.copy(b.mapping, 10, a.mapping, 4000, 200);
    t.true(b.read(10, 200).every((byte) => byte === 9));
    t.deepEqual([...b.read(209, 2)], [9, 0]);
    a.dev.dmaUnmap(a.mapping);
    a.dev.dmaUnmap(b.mapping);
  });
});

test('a page that has another owner than it was mapped for is seen, by both', async (t) => {
  await onMachine(async (machine, beside) => {
    const admin = machine.spawn('admin');
    const fd = await admin.open('/file', ['rdwr', 'creat']);
    await admin.write(fd, 0, new Uint8Array(PAGE_SIZE));
    const region = machine.mm.pages.regions.find((r) => r.kind === 'pmem')!;
    const owned = Array.from({ length: region.nrPages }, (_, i) => region.basePfn + i).find(
      (pfn) => machine.mm.pages.owner(pfn) !== undefined,
    )!;
    const [dev] = machine.drivers.devices;
    const borrowed = Uint32Array.of(owned);
    const mapping = dev!.dmaMap({ borrowed, pos: 0, len: PAGE_SIZE }, 'from-device');
    await dev!.bus.write(mapping, 0, new Uint8Array(8));
    t.is(beside.strangers, 0);
    const { generation, ...rest } = machine.mm.pages.owner(owned)!;
    machine.mm.pages.setOwner(owned, { ...rest, generation: generation + 1 });
    await dev!.bus.write(mapping, 0, new Uint8Array(8));
    t.is(beside.strangers, 1);
    t.is(machine.referee.verdict().stray.length, 1);
    machine.mm.pages.setOwner(owned, { ...rest, generation });
    dev!.dmaUnmap(mapping);
  });
});
