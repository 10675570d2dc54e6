// Goal: each run finds the world as new, and what it does is real: counters, entries, faults.

import test from 'ava';
import assert from 'node:assert/strict';
import {
  explore,
  memoryWorld,
  type MemoryWorld,
  type Scenario,
} from '../../../lib/explore/index.js';

test('counters raised in one run are gone in the next', async (t) => {
  let runs = 0;
  const leaking: Scenario = {
    name: 'leaking',
    title: 'pins and never unpins',
    world: memoryWorld('6.12'),
    async body(race, made) {
      const world = made as MemoryWorld;
      const { pages } = world.env;
      const pfn = pages.regions[1]!.basePfn;
      assert.equal(pages.refs(pfn), 0);
      runs++;
      for (const name of ['a', 'b']) {
        race.task(name, async () => {
          await race.at(pages.objectOf(pfn));
          pages.pinPages(Uint32Array.of(pfn), 0, 1);
        });
      }
    },
  };
  const found = await explore(leaking);
  t.deepEqual(found.failures, []);
  t.true(runs >= 2);
});

test('a file is mapped and touched: its pages are in the page table', async (t) => {
  const mapping: Scenario = {
    name: 'mapping',
    title: 'maps a file',
    world: memoryWorld(),
    async body(race, made) {
      const world = made as MemoryWorld;
      const app = world.process('app');
      const addr = await world.map(race.sched.current!, app, world.file(2));
      const vma = app.mm.vmaAt(addr)!;
      assert(vma.pte(0) !== 0 && vma.pte(1) !== 0);
    },
  };
  t.deepEqual((await explore(mapping)).failures, []);
});
