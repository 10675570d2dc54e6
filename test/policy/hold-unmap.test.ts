// Goal: a pinned page stays mapped; who must clean it waits, who need not goes on.

import test from 'ava';
import { holdUnmap } from '../../lib/policy/hold-unmap.js';

const page = { pfn: 5, pgoff: 2 };

test('fsync waits for the unpin, background writeback goes on', (t) => {
  t.is(holdUnmap.pages?.beforeWriteback(page, 'sync'), 'wait');
  t.is(holdUnmap.pages?.beforeWriteback(page, 'background'), 'skip');
  t.true(holdUnmap.promises.mayHang.includes('fsync'));
});

test('a pinned page is not unmapped', (t) => {
  t.is(holdUnmap.pages?.beforeUnmap(page, 'reclaim'), 'refuse');
  t.is(holdUnmap.pages?.beforeUnmap(page, 'migrate'), 'refuse');
  t.is(holdUnmap.pages?.beforeUnmap(page, 'mkclean'), 'wait');
});
