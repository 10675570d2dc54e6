// Goal: the truncating thread loses no page, frees none that is pinned, and sees stray bytes.

import test from 'ava';
import { FILE_PAGES, POOL_PAGES } from '../../lib/explore/stress-memory.js';
import { pinOnce, stampOf } from '../../lib/explore/stress-protocol.js';
import { type PageState, type Truncater, whoseIs } from '../../lib/explore/stress-truncater.js';
import { stressRig } from './stress-rig.js';

const count = ({ pool }: Truncater, state: PageState): number =>
  pool.filter((page) => page.state === state).length;

function times(n: number): () => boolean {
  return () => --n > 0;
}

test('every page is somewhere, and all come back', (t) => {
  using rig = stressRig();
  const { truncater } = rig;
  t.is(count(truncater, 'FILE'), FILE_PAGES);
  truncater.run(times(20));
  t.is(truncater.truncates, 20 * 64);
  t.is(truncater.busy, 0);
  t.is(count(truncater, 'FILE'), FILE_PAGES);
  t.true(count(truncater, 'OTHER') > 0);
  t.is(new Set(truncater.pool.map(({ pfn }) => pfn)).size, POOL_PAGES);
  truncater.end();
  t.is(count(truncater, 'FREE'), POOL_PAGES);
  t.deepEqual(rig.strays, []);
});

for (const name of ['threads-gup-fast', 'threads-missing-fence-repaired']) {
  test(`${name}: a page that is pinned waits for the last unpin, then it is freed`, (t) => {
    using rig = stressRig(name);
    const { truncater, memory } = rig;
    const out = new Uint32Array(FILE_PAGES);
    const [a, b] = [rig.protocol(0), rig.protocol(1)];
    t.is(pinOnce(a, 0, FILE_PAGES, out), FILE_PAGES);
    t.is(pinOnce(b, 0, 1, out), 1);
    truncater.run(times(4));
    t.is(truncater.busy, FILE_PAGES);
    t.is(count(truncater, 'LEAVING'), FILE_PAGES);
    for (const [pgoff, pfn] of out.entries()) t.true(memory.isFilePage(pfn, pgoff));
    a.unpin(out, 0, FILE_PAGES);
    truncater.run(times(4));
    t.is(count(truncater, 'LEAVING'), 1);
    t.true(memory.isFilePage(out[0]!, 0));
    b.unpin(out, 0, 1);
    truncater.run(times(1));
    t.is(count(truncater, 'LEAVING'), 0);
    t.deepEqual(rig.strays, []);
  });
}

test('DMA into a page that was given away is seen when it changes hands again', (t) => {
  using rig = stressRig();
  const { truncater, memory } = rig;
  truncater.run(times(1));
  const page = truncater.pool.find(({ state }) => state === 'OTHER')!;
  memory.transfer(page.pfn, 0, stampOf(1));
  truncater.run(times(2));
  t.is(rig.strays.length, 1);
  t.regex(rig.strays[0]!, /0x1001 to pfn \d+, which was another file\u2019s by then/);
});

test('it says whose a page is', (t) => {
  t.is(whoseIs({ pfn: 1, state: 'FREE', pgoff: 0 }), 'free');
  t.is(whoseIs({ pfn: 1, state: 'LEAVING', pgoff: 3 }), 'page 3 of the file');
});
