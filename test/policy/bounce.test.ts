// Goal: what goes to the device is one moment of a pinned page, and only when somebody insists.

import test from 'ava';
import { bounce } from '../../lib/policy/bounce.js';

const page = { pfn: 5, pgoff: 2 };

test('fsync bounces a pinned page, background writeback skips it', (t) => {
  t.is(bounce.pages?.beforeWriteback(page, 'sync'), 'bounce');
  t.is(bounce.pages?.beforeWriteback(page, 'background'), 'skip');
});

test('a pinned page is neither reclaimed nor migrated, but may be write-protected', (t) => {
  t.is(bounce.pages?.beforeUnmap(page, 'reclaim'), 'refuse');
  t.is(bounce.pages?.beforeUnmap(page, 'migrate'), 'refuse');
  t.is(bounce.pages?.beforeUnmap(page, 'mkclean'), 'allow');
});

test('fsync always ends', (t) => {
  t.false(bounce.promises.mayHang.includes('fsync'));
});
