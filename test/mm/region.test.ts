// Goal: regions are numbered one after another, and their counters are the memory's own.

import test from 'ava';
import { Region } from '../../lib/mm/region.js';
import { memoryMachine, memoryRegion } from '../support/mm-fixture.js';

test('a region has its pages and reads the counters of native code', (t) => {
  const memory = memoryRegion(16);
  const region = new Region('pmem', memory, memory.region(1024));
  t.deepEqual([region.basePfn, region.endPfn, region.nrPages], [1024, 1040, 16]);
  t.true(region.has(1024) && region.has(1039));
  t.false(region.has(1023) || region.has(1040));
  t.is(region.words.length, 32);
});

test('page 0 is in no region, and no two regions meet', (t) => {
  const { env } = memoryMachine({ ramPages: 600, pmemPages: 10 });
  const [ram, pmem] = env.pages.regions;
  t.true(ram!.basePfn > 0);
  t.true(pmem!.basePfn >= ram!.endPfn);
  t.is(env.pages.region(pmem!.basePfn), pmem!);
  const list = Uint32Array.of(pmem!.basePfn + 2);
  env.pages.pinPages(list, 0, 1);
  t.deepEqual([...pmem!.words.subarray(4, 6)], [1, 1]);
  env.pages.unpinPages(list, 0, 1);
});
