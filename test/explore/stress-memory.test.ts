// Goal: every opener of a stress test's files sees one memory, and what is said of a page is there.

import test from 'ava';
import { Scheduler } from '../../lib/sched/index.js';
import {
  emptyParts,
  MOST_THREADS,
  plainParts,
  StressFiles,
  StressMemory,
  ThreadBlock,
} from '../../lib/explore/stress-memory.js';
import { stressRig } from './stress-rig.js';

test('a second opening, and a thread\u2019s, have the pages, counters and words of the first', (t) => {
  using rig = stressRig();
  const { memory } = rig;
  using files = new StressFiles(rig.folder, false);
  const [page] = rig.truncater.pool;
  for (const other of [files.memory, new StressMemory(memory.parts)]) {
    t.is(other.firstPfn, memory.firstPfn);
    t.is(other.nrThreads, 2);
    t.deepEqual([...other.ptes], [...memory.ptes]);
    other.transfer(page!.pfn, 5, 77);
    t.is(memory.strange(page!.pfn, rig.truncater.stampOf(page!)), 77);
    memory.fill(page!.pfn, rig.truncater.stampOf(page!));
    other.giveToFile(page!.pfn, 2);
    t.true(memory.isFilePage(page!.pfn, 2));
    memory.giveToOther(page!.pfn);
    t.false(other.isFilePage(page!.pfn, 2));
    other.phase.add(2);
    other.blocks[3]!.tallies[0]!++;
    other.pages.pinPages(Uint32Array.of(page!.pfn), 0, 1);
    t.is(memory.pages.pins(page!.pfn), 1);
    other.pages.unpinPages(Uint32Array.of(page!.pfn), 0, 1);
  }
  t.is(memory.phase.load(), 4);
  t.is(memory.blocks[3]!.tallies[0], 2);
  memory.end();
  t.true(files.memory.ending);
});

test('no two threads have words in common', (t) => {
  const control = plainParts().control;
  const seen = new Set<number>();
  for (let i = 0; i < MOST_THREADS; i++) {
    for (const { byteOffset, byteLength } of Object.values(new ThreadBlock(control, i))) {
      for (let at = byteOffset; at < byteOffset + byteLength; at += 4) {
        t.false(seen.has(at));
        seen.add(at);
      }
    }
  }
  t.throws(() => new ThreadBlock(control, MOST_THREADS), { code: 'ERR_ASSERTION' });
});

test('memory without files is emptied for the next run', (t) => {
  const parts = plainParts();
  const memory = new StressMemory(parts, new Scheduler({ mode: 'live' }));
  const pfn = memory.firstPfn + 1;
  memory.giveToFile(pfn, 1);
  memory.pages.pinPages(Uint32Array.of(pfn), 0, 1);
  memory.blocks[0]!.slots[1] = 1;
  emptyParts(parts);
  t.is(memory.pages.refs(pfn), 0);
  t.is(memory.pages.owner(pfn), undefined);
  t.is(memory.blocks[0]!.slots[1], 0);
});
