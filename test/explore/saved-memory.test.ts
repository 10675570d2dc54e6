// Goal: bytes are put back, and of a device file all that anybody writes to. Method: every byte
// between the parts of a device is zero and stays so; every byte of the parts comes back.

import test from 'ava';
import { SavedMemory } from '../../lib/explore/saved-memory.js';
import { kernelRules } from '../../lib/kernel-rules.js';
import { DaxDevice } from '../../lib/mm/dax-device.js';
import { headerParts, layoutOf } from '../../lib/mm/dax-info-block.js';
import { newMMEnv } from '../../lib/mm/mm-env.js';
import { Scheduler } from '../../lib/sched/index.js';
import { PAGE_SIZE } from '../../lib/units.js';

test('views are put back, and nothing beside them', (t) => {
  const bytes = new Uint8Array(16);
  const memory = new SavedMemory();
  memory.addView(bytes.subarray(4, 8));
  memory.addView(new Uint8Array(0));
  bytes.fill(1);
  memory.restore();
  t.deepEqual([...bytes], [1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]);
});

test('shared memory without a region is put back whole', (t) => {
  const buffer = new SharedArrayBuffer(8);
  new Uint8Array(buffer).fill(3);
  const memory = new SavedMemory();
  memory.addShared(buffer, null);
  new Uint8Array(buffer).fill(9);
  memory.restore();
  t.deepEqual([...new Uint8Array(buffer)], Array<number>(8).fill(3));
});

test('the parts before the data are in order and do not meet', (t) => {
  for (const size of [2, 3, 700].map((nr) => nr * PAGE_SIZE)) {
    const layout = layoutOf(size);
    let end = 0;
    for (const { pos, len } of headerParts(layout)) {
      t.true(pos >= end && len > 0);
      end = pos + len;
    }
    t.true(end <= layout.dataPos);
  }
});

test('of a device that is pinned, marked and mounted, only those parts are not zero', (t) => {
  const [device, ram] = [DaxDevice.memory(20 * PAGE_SIZE), DaxDevice.memory(16 * PAGE_SIZE)];
  const sched = new Scheduler({ mode: 'live' });
  const { pages } = newMMEnv(sched, kernelRules['6.1'], { ram, pmem: device });
  const { basePfn, nrPages, place } = pages.regions.find(({ kind }) => kind === 'pmem')!;
  const all = Uint32Array.from({ length: nrPages }, (_, i) => basePfn + i);
  pages.pinPages(all, 0, nrPages);
  for (const pfn of all) pages.setFlags(pfn, 1);
  const lock = device.lockMount();
  const header = Uint8Array.from(new Uint8Array(place.buffer)).subarray(0, place.dataPos);
  const parts = headerParts(layoutOf(nrPages * PAGE_SIZE));
  t.true(parts.every(({ pos, len }) => header.subarray(pos, pos + len).some((b) => b !== 0)));
  for (const { pos, len } of parts) header.fill(0, pos, pos + len);
  t.true(header.length > 4 * PAGE_SIZE && header.every((byte) => byte === 0));
  lock[Symbol.dispose]();
  pages.unpinPages(all, 0, nrPages);
  t.is(pages.firstBusy(all), undefined);
  device.close();
  ram.close();
});
