// When the meta of a device's pages (page-meta.ts) is emptied: what a machine that is gone said of
// pages means nothing to the next.
//
//   first opener comes             all of it: nobody maps, owns or references anything
//   mounted after another machine  all of pages that nobody references; of the others mapcount and
//                                  flags. Mounting is exclusive, so nobody else maps pages; who
//                                  only has the device open may hold some, and whose they are
//                                  stays.
//
// Emptying makes a hole in the file: neither memory nor time grow with the size of the device.

import { type DaxMapping, isSystemError } from '../native.js';
import { type DaxLayout, GROUP_PAGES, META_WORDS } from './dax-info-block.js';
import { clearMapsAndFlags } from './page-meta.js';

/** Empty the meta of pages [start, end), of all if they are not given. */
export function clearMeta(
  mapping: DaxMapping,
  layout: DaxLayout,
  meta: Uint32Array,
  start = 0,
  end = layout.nrPages,
): void {
  if (start === end) return;
  const from = start * META_WORDS;
  const to = end * META_WORDS;
  try {
    mapping.punch(layout.metaPos + 4 * from, 4 * (to - from));
  } catch (e) {
    if (!isSystemError(e)) throw e;
    meta.fill(0, from, to); // a host file system without holes
  }
}

/** Empty what another machine left, but not whose the pages are that somebody references. */
export function renewMeta(
  mapping: DaxMapping,
  layout: DaxLayout,
  counters: Uint32Array,
  meta: Uint32Array,
): void {
  const { nrGroups, nrPages, summaryPos } = layout;
  const summary = new BigUint64Array(mapping.buffer, summaryPos, nrGroups);
  let idleStart = 0; // the first page after the last group with references
  for (let group = 0; group < nrGroups; group++) {
    if (Atomics.load(summary, group) === 0n) continue;
    const start = group * GROUP_PAGES;
    const end = Math.min(start + GROUP_PAGES, nrPages);
    clearMeta(mapping, layout, meta, idleStart, start);
    for (let page = start; page < end; page++) {
      if (Atomics.load(counters, 2 * page) > 0) clearMapsAndFlags(meta, page);
      else meta.fill(0, page * META_WORDS, (page + 1) * META_WORDS);
    }
    idleStart = end;
  }
  clearMeta(mapping, layout, meta, idleStart);
}
