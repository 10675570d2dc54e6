// Goal: blocks are where they should be, through the machine's page numbers and without them.

import test from 'ava';
import { overlayPartition } from '../../lib/fs/overlay-partition.js';
import { devicePartition, partitionOf } from '../../lib/fs/partition.js';
import { FsMachine, MiB, PAGES } from './fs-fixture.js';

test('both views of a partition show the same bytes', async (t) => {
  const m = new FsMachine();
  const firstPfn = m.mm.pages.regions[1]!.basePfn + 256;
  const paged = partitionOf(m.mm.pages, firstPfn, 64);
  const raw = devicePartition(m.device, MiB, PAGES(64));
  t.is(raw.nrBlocks, paged.nrBlocks);
  const bytes = Uint8Array.from({ length: 5000 }, (_, i) => i & 0xff);
  paged.write(3, 4000, bytes);
  t.deepEqual(raw.read(3, 4000, 5000), bytes);
  t.deepEqual(paged.read(4, 0, 100), raw.read(4, 0, 100));
  t.deepEqual(paged.read(1, 2 * 4096 + 4000, 5000), bytes);
  for (const partition of [paged, raw, overlayPartition(raw)]) {
    const target = new Uint8Array(102).fill(9);
    partition.readInto(3, 4000, target.subarray(1, 101));
    t.deepEqual([...target], [9, ...bytes.subarray(0, 100), 9]);
  }
  raw.zero(4, 1);
  t.deepEqual(paged.read(4, 0, 4096), new Uint8Array(4096));
  t.is(paged.pfnOf(7), firstPfn + 7);
  t.is(paged.blockOf(firstPfn + 7), 7);
  await m.end(t);
});

test('a position outside is a mistake of ours', async (t) => {
  const m = new FsMachine();
  const views = [
    partitionOf(m.mm.pages, m.mm.pages.regions[1]!.basePfn, 8),
    devicePartition(m.device, 0, PAGES(8)),
  ];
  for (const p of views) {
    t.throws(() => p.read(8, 0, 1));
    t.throws(() => p.write(7, 4090, new Uint8Array(7)));
    t.throws(() => p.zero(7, 2));
  }
  await m.end(t);
});
