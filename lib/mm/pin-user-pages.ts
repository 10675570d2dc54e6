// pin_user_pages() as drivers use it: all the pages of a byte range, or none and an error.
//
// Short pins of memory that is mapped already go through without a lock, a promise of their own or
// any allocation but the result: the fast path of gup.ts in one native call.

import { Errno } from '../errno.js';
import type { Task } from '../sched/index.js';
import { tracepoints } from '../trace/events.js';
import { pagesFor, pgoffOf, posOf } from '../units.js';
import { gup, gupFastLive } from './gup.js';
import type { GupFlags } from './gup-checks.js';
import type { MMEnv } from './mm-env.js';
import type { PageSpace } from './page.js';
import { PinnedPages, type PinPiece, type PinRequest } from './pinned-pages.js';

/**
 * Pin [addr, addr + len): every page touched; of a length of 0 the page that addr lies in, unless
 * it is aligned (EINVAL, as ib_umem_num_pages has it). Errors are those of gup() at the page that
 * failed; nothing stays pinned then. The pages outlive the mapping and the process.
 */
export async function pinUserPages(task: Task, env: MMEnv, req: PinRequest): Promise<PinnedPages> {
  const start = posOf(pgoffOf(req.addr));
  const nrPages = pagesFor(req.addr + req.len) - pgoffOf(req.addr);
  if (nrPages === 0) throw new Errno('EINVAL', 'pin: no pages');
  if (!req.longterm && !env.sched.on && env.admitPin === undefined) {
    const pfns = shortLivedList(nrPages);
    const taken = gupFastLive(req.mm, start, nrPages, req.access === 'write', true, pfns);
    if (taken === nrPages) return finish(env, req, pfns, fastPieces(env, req, start, pfns));
    if (taken > 0) env.pages.unpinPages(pfns, 0, taken);
  }
  const pfns = new Uint32Array(nrPages);
  await pinAll(task, env, req, start, pfns);
  return finish(env, req, pfns, piecesOf(env.pages, pfns));
}

const SLAB_PAGES = 16_384;
let slab = new ArrayBuffer(0);
let slabUsed = 0;

/**
 * A list that is a view of a larger buffer. A buffer of its own costs 200 to 800 ns to make and to
 * collect, a third of a pin of 256 pages; a small one, which V8 keeps in its heap, half a
 * microsecond when the addon first asks where it is. The buffer stays as long as any list of it,
 * so this is for short pins.
 */
function shortLivedList(nrPages: number): Uint32Array {
  if (nrPages > SLAB_PAGES / 8) return new Uint32Array(nrPages);
  const bytes = Uint32Array.BYTES_PER_ELEMENT;
  if ((slabUsed + nrPages) * bytes > slab.byteLength) {
    slab = new ArrayBuffer(SLAB_PAGES * bytes);
    slabUsed = 0;
  }
  const list = new Uint32Array(slab, slabUsed * bytes, nrPages);
  slabUsed += nrPages;
  return list;
}

function finish(
  env: MMEnv,
  req: PinRequest,
  pfns: Uint32Array,
  pieces: readonly PinPiece[],
): PinnedPages {
  if (tracepoints.gup_pin.on) {
    const { device } = req.origin;
    tracepoints.gup_pin.emit(env.sched, { device, nrPages: pfns.length, longterm: req.longterm });
  }
  return new PinnedPages(env, req, pfns, pieces);
}

async function pinAll(
  task: Task,
  env: MMEnv,
  req: PinRequest,
  start: number,
  pfns: Uint32Array,
): Promise<void> {
  const flags: GupFlags = {
    kind: 'pin',
    write: req.access === 'write',
    force: req.force,
    longterm: req.longterm,
  };
  const opts = { irrevocable: 'irrevocable' in req };
  let done = 0;
  try {
    while (done < pfns.length) {
      const rest = done === 0 ? pfns : pfns.subarray(done);
      done += await gup(task, req.mm, start + posOf(done), rest.length, flags, rest, opts);
    }
  } catch (e) {
    if (done > 0) env.pages.unpinPages(pfns, 0, done);
    if (done > 0 && req.onShort === 'EFAULT' && e instanceof Errno) {
      throw new Errno('EFAULT', `pin: ${done} of ${pfns.length} pages`, { cause: e });
    }
    throw e;
  }
}

/**
 * The fast path takes no holes, so what it took of one shared mapping is one run of the file, and
 * of one of anonymous memory a run of none. A private mapping of a file may have copies in it.
 */
function fastPieces(
  env: MMEnv,
  req: PinRequest,
  start: number,
  pfns: Uint32Array,
): readonly PinPiece[] {
  const vma = req.mm.vmaAt(start);
  if (vma === undefined) return piecesOf(env.pages, pfns);
  if (!vma.shared && vma.mapping !== null) return piecesOf(env.pages, pfns);
  const { mapping } = vma;
  return [{ mapping, pgoff: mapping === null ? 0 : vma.pgoffAt(start), nrPages: pfns.length }];
}

/** Which files the pages belong to. Private copies, holes and anonymous memory belong to none. */
function piecesOf(pages: PageSpace, pfns: Uint32Array): PinPiece[] {
  const pieces: PinPiece[] = [];
  for (let i = 0; i < pfns.length;) {
    const mapping = pages.mappingOf(pfns[i]!);
    const pgoff = mapping?.pgoffOfPage(pfns[i]!) ?? 0;
    let nrPages = 1;
    for (; i + nrPages < pfns.length; nrPages++) {
      const pfn = pfns[i + nrPages]!;
      if (pages.mappingOf(pfn) !== mapping) break;
      if (mapping !== undefined && mapping.pgoffOfPage(pfn) !== pgoff + nrPages) break;
    }
    pieces.push({ mapping: mapping ?? null, pgoff, nrPages });
    i += nrPages;
  }
  return pieces;
}
