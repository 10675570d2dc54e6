// Every test ends with the balance at zero. A machine of memory that a test made and never looked
// at with assertBalanced() is looked at when its file has ended: no pin, no reference, no orphan.
//
//   memoryMachine() -> watched --assertBalanced()--> looked at
//                         `----- end of the file ---> looked at here
//
// A test that means to leave pins behind says how many to assertBalanced().

import test from 'ava';
import type { MMEnv } from '../../lib/mm/mm-env.js';

const watched = new Map<MMEnv, string>();

/** Look at env when the file has ended, unless somebody does before. */
export function watchBalance(env: MMEnv): void {
  watched.set(env, new Error('made').stack?.match(/[\w.-]+\.test\.ts:\d+/)?.[0] ?? 'a fixture');
}

/** assertBalanced() does it now. */
export function watchNoMore(env: MMEnv): void {
  watched.delete(env);
}

function leftovers(env: MMEnv): string[] {
  const { pages, pinTable, vmstat } = env;
  const busy = pages.regions
    .map(({ kind, basePfn, nrPages }) => [kind, pages.native.firstBusy(basePfn, nrPages)] as const)
    .filter(([, pfn]) => pfn !== -1);
  return [
    ...(pinTable.size === 0 ? [] : [`${pinTable.size} pins in the table`]),
    ...(vmstat.pinsOutstanding === 0 ? [] : [`${vmstat.pinsOutstanding} pins outstanding`]),
    ...busy.map(([kind, pfn]) => `page ${pfn} of ${kind} is referenced`),
    ...(pages.nrOrphans === 0 ? [] : [`${pages.nrOrphans} orphan pages`]),
  ];
}

test.after.always('every machine of this file ends with its balance at zero', (t) => {
  const unbalanced = [...watched].flatMap(([env, made]) =>
    leftovers(env).map((what) => `machine made at ${made}: ${what}`),
  );
  t.deepEqual(unbalanced, []);
});
