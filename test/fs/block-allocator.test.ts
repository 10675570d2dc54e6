// Goal: no block is handed out twice, none is lost, and a busy one is handed out only when idle.
// Method: random requests against a set of free blocks.

import test from 'ava';
import fc from 'fast-check';
import { isErrno } from '../../lib/errno.js';
import { BlockAllocator, RESERVED_BLOCKS } from '../../lib/fs/block-allocator.js';
import { DiskBitmap } from '../../lib/fs/disk-bitmap.js';
import type { BlockRun } from '../../lib/fs/extent.js';
import { directJournal, type JournalHandle } from '../../lib/fs/journal.js';
import { planSuperblock } from '../../lib/fs/superblock.js';
import { memoryPartition } from './memory-partition.js';

const NR_BLOCKS = 96;
const sb = planSuperblock('ext4', { nrBlocks: NR_BLOCKS });

function fresh() {
  const partition = memoryPartition(NR_BLOCKS);
  const journal = directJournal(partition);
  const map = new DiskBitmap(journal, sb.bitmapStart, NR_BLOCKS);
  void journal.transaction(null, (h) => {
    map.set(h, 0, sb.dataStart, true);
    map.set(h, NR_BLOCKS - 1, 1, true);
  });
  const allocator = new BlockAllocator(sb, journal, NR_BLOCKS - 1 - sb.dataStart);
  const onDevice = () => new DiskBitmap(journal, sb.bitmapStart, NR_BLOCKS);
  const run = <T>(fn: (handle: JournalHandle) => T): Promise<T> => journal.transaction(null, fn);
  return { onDevice, allocator, run };
}

const blocksOf = (runs: readonly BlockRun[]): number[] =>
  runs.flatMap((r) => Array.from({ length: r.nrBlocks }, (_, i) => r.block + i));

test('the areas of the file system itself are never handed out', async (t) => {
  const { allocator, run } = fresh();
  const got = blocksOf(await run((h) => allocator.alloc(h, allocator.nrFree, 'metadata')));
  t.is(Math.min(...got), sb.dataStart);
  t.is(Math.max(...got), NR_BLOCKS - 2);
  t.is(new Set(got).size, NR_BLOCKS - 1 - sb.dataStart);
});

test('data leaves the last blocks to metadata, and ENOSPC takes nothing', async (t) => {
  const { allocator, run } = fresh();
  const free = allocator.nrFree;
  const e = await t.throwsAsync(run((h) => allocator.alloc(h, free - RESERVED_BLOCKS + 1, 'data')));
  t.true(isErrno(e, 'ENOSPC'));
  t.is(allocator.nrFree, free);
  await run((h) => allocator.alloc(h, free - RESERVED_BLOCKS, 'data'));
  await run((h) => allocator.alloc(h, RESERVED_BLOCKS, 'metadata'));
  t.is(allocator.nrFree, 0);
});

test('a freed block is the next to be handed out', async (t) => {
  const { allocator, run } = fresh();
  const [first] = await run((h) => allocator.alloc(h, 4, 'data'));
  await run((h) => allocator.alloc(h, 4, 'data'));
  await run((h) => allocator.free(h, [first!], 'data'));
  t.deepEqual(await run((h) => allocator.alloc(h, 4, 'data')), [first!]);
});

test('a run that continues a file is preferred to the lowest one', async (t) => {
  const { allocator, run } = fresh();
  const goal = sb.dataStart + 20;
  t.deepEqual(await run((h) => allocator.alloc(h, 2, 'data', goal)), [
    { block: goal, nrBlocks: 2 },
  ]);
});

test('a busy block is free on the device and is passed over until it is idle', async (t) => {
  const { allocator, run, onDevice } = fresh();
  const free = allocator.nrFree;
  const [mine] = await run((h) => allocator.alloc(h, 1, 'data'));
  await run((h) => allocator.freeBusy(h, mine!.block));
  t.is(allocator.nrFree, free - 1);
  t.is(allocator.nrBusy, 1);
  t.false(onDevice().get(mine!.block));
  const [other] = await run((h) => allocator.alloc(h, 1, 'data'));
  t.not(other!.block, mine!.block);
  allocator.setIdle(mine!.block);
  t.is(allocator.nrBusy, 0);
  t.is((await run((h) => allocator.alloc(h, 1, 'data')))[0]!.block, mine!.block);
});

test('a quarantined block is not handed out and counts as busy', async (t) => {
  const { allocator, run } = fresh();
  allocator.quarantine(sb.dataStart);
  allocator.quarantine(sb.dataStart);
  t.is(allocator.nrBusy, 1);
  t.is((await run((h) => allocator.alloc(h, 1, 'data')))[0]!.block, sb.dataStart + 1);
});

const request = fc.record({
  op: fc.constantFrom('alloc', 'free', 'busy', 'idle'),
  nr: fc.integer({ min: 1, max: 12 }),
  pick: fc.nat(),
});

test('blocks are handed out once, and the map on the device says which', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(request, { maxLength: 60 }), async (requests) => {
      const { allocator, run, onDevice } = fresh();
      const total = allocator.nrFree;
      const used = new Set<number>();
      const busy = new Set<number>();
      for (const { op, nr, pick } of requests) {
        if (op === 'alloc' && nr <= allocator.nrFree) {
          for (const b of blocksOf(await run((h) => allocator.alloc(h, nr, 'metadata')))) {
            t.false(used.has(b) || busy.has(b));
            used.add(b);
          }
        } else if (op === 'free' || op === 'busy') {
          const block = [...used][pick % Math.max(1, used.size)];
          if (block === undefined) continue;
          used.delete(block);
          if (op === 'busy') busy.add(block);
          await run((h) =>
            op === 'free'
              ? allocator.free(h, [{ block, nrBlocks: 1 }], 'metadata')
              : allocator.freeBusy(h, block),
          );
        } else if (op === 'idle') {
          const block = [...busy][pick % Math.max(1, busy.size)];
          if (block === undefined) continue;
          busy.delete(block);
          allocator.setIdle(block);
        }
        t.is(allocator.nrFree, total - used.size - busy.size);
        t.is(allocator.nrBusy, busy.size);
      }
      t.is(onDevice().count(), NR_BLOCKS - total + used.size);
    }),
    { numRuns: 60 },
  );
});
