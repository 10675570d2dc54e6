// Goal: a page that was noted is visited once, and no other is.

import test from 'ava';
import { StoreLog } from '../../lib/mm/store-log.js';

test('pages are visited once each, in the order of their first stores, and then forgotten', (t) => {
  const log = new StoreLog(8);
  for (const page of [5, 2, 5, 7, 2]) log.note(page);
  const visited: number[] = [];
  log.drain((page) => visited.push(page));
  t.deepEqual(visited, [5, 2, 7]);
  log.drain((page) => visited.push(page));
  t.is(visited.length, 3);
  log.note(2);
  log.drain((page) => visited.push(page));
  t.deepEqual(visited, [5, 2, 7, 2]);
});
