// Goal: DMA moves exactly the bytes of its mapping, live in one go and simulated page by page with
// a point before each, and the referee hears of every byte.

import test from 'ava';
import { DmaFault, type DmaEvent } from '../../lib/driver/dma.js';
import type { Device } from '../../lib/driver/device.js';
import { driverMachine } from '../support/driver-machine.js';
import { defineDriver } from '../../lib/driver/driver.js';
import { assertBalanced } from '../support/balance.js';

const modes = [
  { name: 'live', sched: { mode: 'live' }, steps: 1 },
  { name: 'simulated', sched: { mode: 'simulated', seed: 1 }, steps: 3 },
] as const;

function bench(sched: (typeof modes)[number]['sched']) {
  const events: DmaEvent[] = [];
  const m = driverMachine({ sched, iommu: 'strict', events: { dma: (e) => events.push(e) } });
  let dev: Device | undefined;
  m.core.register(
    defineDriver({
      name: 'toy',
      apiVersion: 1,
      idTable: [{ compatible: 'emul,toy' }],
      probe: (d) => void (dev = d),
    }),
  );
  m.core.addDevice('emul,toy', {});
  return { m, dev: dev!, events };
}

for (const { name, sched, steps } of modes) {
  test(`${name}: write and read cross page boundaries in ${steps} steps`, async (t) => {
    const { m, dev, events } = bench(sched);
    await m.run(async () => {
      const block = dev.allocPages(3, 'buffer');
      const mapping = dev.dmaMap(block, 'bidirectional');
      const data = Uint8Array.from({ length: 8200 }, (_, i) => i % 251);
      await dev.bus.write(mapping, 10, data);
      t.deepEqual(
        events.map(({ access, pos, len }) => [access, pos, len]),
        steps === 1
          ? [['write', 10, 8200]]
          : [
              ['write', 10, 4086],
              ['write', 4096, 4096],
              ['write', 8192, 18],
            ],
      );
      const back = new Uint8Array(8202);
      await dev.bus.read(mapping, 9, back);
      t.deepEqual(back.subarray(1, 8201), data);
      t.deepEqual([back[0], back[8201]], [0, 0]);
      dev.dmaUnmap(mapping);
      block.free();
    });
    assertBalanced(t, m.env);
  });

  test(`${name}: copy moves between mappings at any offsets`, async (t) => {
    const { m, dev } = bench(sched);
    await m.run(async () => {
      const [a, b] = [dev.allocPages(3, 'a'), dev.allocPages(3, 'b')];
      const from = dev.dmaMap(a, 'to-device');
      const to = dev.dmaMap(b, 'bidirectional');
      const data = Uint8Array.from({ length: 9000 }, (_, i) => (i * 7) % 253);
      m.env.pages.write(a.pfns, 100, data);
      await dev.bus.copy(to, 3000, from, 100, 9000);
      const back = new Uint8Array(9000);
      await dev.bus.read(to, 3000, back);
      t.deepEqual(back, data);
      await dev.bus.copy(to, 0, from, 0, 0);
      for (const mapping of [from, to]) dev.dmaUnmap(mapping);
      for (const block of [a, b]) block.free();
    });
    assertBalanced(t, m.env);
  });

  test(`${name}: an atomic answers what was there and stores what follows`, async (t) => {
    const { m, dev } = bench(sched);
    await m.run(async () => {
      const block = dev.allocPages(1, 'word');
      const mapping = dev.dmaMap(block, 'bidirectional');
      t.is(await dev.bus.atomic(mapping, 8, (old) => old + 5n), 0n);
      t.is(await dev.bus.atomic(mapping, 8, (old) => old - 6n), 5n);
      t.is(await dev.bus.atomic(mapping, 8, (old) => old), 0xffff_ffff_ffff_ffffn);
      dev.dmaUnmap(mapping);
      block.free();
    });
    assertBalanced(t, m.env);
  });

  test(`${name}: what the IOMMU stops moves nothing`, async (t) => {
    const { m, dev, events } = bench(sched);
    await m.run(async () => {
      const block = dev.allocPages(1, 'buffer');
      const mapping = dev.dmaMap(block, 'to-device');
      await t.throwsAsync(() => dev.bus.write(mapping, 0, new Uint8Array(4)), {
        instanceOf: DmaFault,
      });
      await t.throwsAsync(() => dev.bus.read(mapping, 4095, new Uint8Array(2)), {
        instanceOf: DmaFault,
      });
      dev.dmaUnmap(mapping);
      await t.throwsAsync(() => dev.bus.read(mapping, 0, new Uint8Array(1)), {
        instanceOf: DmaFault,
      });
      block.free();
    });
    t.deepEqual(events, []);
    assertBalanced(t, m.env);
  });
}
