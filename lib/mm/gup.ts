// get_user_pages: how a driver comes by the pages behind an address (mm/gup.c).
//
//   fast   no lock: read an entry, raise the page, read the entry again; put back if it changed.
//          Live machines do a whole range in one native call, others a page at a time with a point
//          between the steps, by the same code (native/page_counters.h argues why it is enough).
//   slow   under mmap_lock: the checks of gup-checks.ts for each VMA, then follow or fault page by
//          page. Following and raising are one synchronous step, as under the page-table lock.
//
// gup() answers a short count when a later page fails, and throws only if there is no first one.
// Rows 7 and 8 of facts 2.2 are here: no VMA EFAULT; a fault that ends in a signal EFAULT; ENOMEM.

import assert from 'node:assert/strict';
import { Errno } from '../errno.js';
import type { Task } from '../sched/index.js';
import { alignDown, isAligned, PAGE_SIZE, posOf } from '../units.js';
import { handleFault, unshare } from './fault.js';
import { afterAdmission, beforeAdmission, firstRefusal, type GupFlags } from './gup-checks.js';
import type { MM } from './mm.js';
import { migrateForLongterm } from './migrate.js';
import { pageFlags } from './page-flags.js';
import { pfnOfPte, PTE_PRESENT, PTE_WRITE } from './pte.js';
import { type VMA, VmFault } from './vma.js';

export type { GupFlags } from './gup-checks.js';
export { pinUserPages } from './pin-user-pages.js';
export { PinnedPages, type PinOrigin, type PinRequest, type RevokeReason } from './pinned-pages.js';

/** What one gup() carries along: whom a policy was asked about. */
interface Gup {
  readonly task: Task;
  readonly mm: MM;
  readonly flags: GupFlags;
  readonly irrevocable: boolean;
  readonly admitted: Set<VMA>;
  readonly addr: number;
  readonly nrPages: number;
}

export interface GupOptions {
  /** Told to a policy: nobody can take these pins back. */
  readonly irrevocable?: boolean;
}

/**
 * get_user_pages_fast / pin_user_pages_fast: take nrPages pages from addr on, their numbers to out
 * from 0; how many were taken. The caller gives them back by putPages or unpinPages. Never
 * called with mmap_lock held. EFAULT, EOPNOTSUPP, ENOMEM, EINTR, and what a policy says.
 */
export async function gup(
  task: Task,
  mm: MM,
  addr: number,
  nrPages: number,
  flags: GupFlags,
  out: Uint32Array,
  opts: GupOptions = {},
): Promise<number> {
  assert(isAligned(addr) && nrPages > 0 && out.length >= nrPages, 'gup: bad range');
  assert(flags.longterm !== true || flags.kind === 'pin', 'FOLL_LONGTERM without FOLL_PIN');
  const call: Gup = {
    task,
    mm,
    flags,
    irrevocable: opts.irrevocable === true,
    admitted: new Set(),
    addr,
    nrPages,
  };
  if (flags.longterm === true) return gupLongterm(call, out);
  const fast = await gupFast(call, out);
  if (fast === nrPages) return fast;
  return slowFrom(call, fast, out);
}

/** Whether the lockless path may be tried without asking a policy. One native call if so. */
export function gupFastLive(
  mm: MM,
  addr: number,
  nrPages: number,
  write: boolean,
  pin: boolean,
  out: Uint32Array,
): number {
  const vma = mm.vmaAt(addr);
  if (vma === undefined || !fastAllowed(vma)) return 0;
  const index = (addr - vma.start) / PAGE_SIZE;
  const nr = Math.min(nrPages, vma.ptes.length - index);
  const { pages } = mm.env;
  const taken = pages.native.gupFast(vma.ptes, index, nr, write, pin, out, 0);
  if (pin) pages.countPinned(taken);
  return taken;
}

async function gupFast(call: Gup, out: Uint32Array): Promise<number> {
  const { mm, flags, addr, nrPages } = call;
  const { sched } = mm.env;
  let done = 0;
  while (done < nrPages) {
    const at = addr + posOf(done);
    const vma = mm.vmaAt(at);
    if (vma === undefined || !mayGoFast(call, vma)) break;
    const index = vma.indexOf(at);
    const wanted = Math.min(nrPages - done, vma.nrPages - index);
    const taken = sched.on
      ? await gupFastStepwise(call, vma, index, wanted, out, done)
      : mm.env.pages.native.gupFast(
          vma.ptes,
          index,
          wanted,
          flags.write,
          flags.kind === 'pin',
          out,
          done,
        );
    done += taken;
    if (taken < wanted) break;
  }
  if (flags.kind === 'pin') mm.env.pages.countPinned(done);
  return done;
}

/**
 * gup_fast_folio_allowed (before 6.5 page_is_secretmem in gup_pte_range): a page of secret memory
 * is left to the slow path although its entry is present. Linux looks at the file of the page; no
 * such page is in a mapping of another file, so here it is the mapping's.
 */
const fastAllowed = (vma: VMA): boolean => !vma.isSecretmem;

/** The fast path asks nobody; a policy that wants to be asked is, before it. */
function mayGoFast(call: Gup, vma: VMA): boolean {
  if (!fastAllowed(vma)) return false;
  if (call.mm.env.admitPin === undefined || vma.mapping === null) return true;
  if (firstRefusal(beforeAdmission, vma, call.flags) !== undefined) return false;
  try {
    admit(call, vma);
    return true;
  } catch {
    return false; // the slow path asks again, in its order, and reports
  }
}

const entry = new Uint32Array(1);

/** read | raise | re-read, each page with a point between the steps. */
async function gupFastStepwise(
  call: Gup,
  vma: VMA,
  index: number,
  nr: number,
  out: Uint32Array,
  outPos: number,
): Promise<number> {
  const { sched, pages } = call.mm.env;
  const { native } = pages;
  const { write, kind } = call.flags;
  const pin = kind === 'pin';
  for (let i = 0; i < nr; i++) {
    const { ptes } = vma;
    if (index + i >= ptes.length) return i; // split meanwhile
    if (sched.on) await sched.at(vma.id, 'read');
    if (native.gupRead(ptes, index + i, 1, write, entry, 0) === 0) return i;
    const seen = entry[0]!;
    const pfn = pfnOfPte(seen | 0);
    if (sched.on) await sched.at(pages.objectOf(pfn), 'write');
    // A page without any reference is taken by nobody (mm/gup.c:try_grab_folio_fast).
    if (pages.refcount(pfn) === 0) return i;
    entry[0] = seen;
    if (native.gupRaise(entry, 0, 1, pin) === 0) return i;
    pages.speculate(pfn, 1);
    if (sched.on) await sched.at(vma.id, 'read');
    pages.speculate(pfn, -1);
    entry[0] = seen;
    if (native.gupRecheck(ptes, index + i, 1, entry, 0, pin, out, outPos + i) === 0) {
      pages.noticeIdle(pfn); // what was put back may have been the last reference
      return i;
    }
  }
  return nr;
}

// -- the slow path --

async function slowFrom(call: Gup, done: number, out: Uint32Array): Promise<number> {
  const { task, mm, addr, nrPages } = call;
  try {
    await mm.mmapLock.downRead(task, 'killable');
  } catch (e) {
    if (done === 0 || !(e instanceof Errno)) throw e;
    return done; // killed: what the fast path took is the caller's
  }
  try {
    for (; done < nrPages; done++) {
      out[done] = await takePage(call, addr + posOf(done));
    }
  } catch (e) {
    if (done === 0 || !(e instanceof Errno)) {
      if (done > 0) giveBack(call, out, done);
      throw e;
    }
  } finally {
    mm.mmapLock.upRead(task);
  }
  return done;
}

/** On its way to one call that does not wait. */
const single = new Uint32Array(1);

/** One page, taken. EFAULT and so on as facts 2.2 orders them. */
async function takePage(call: Gup, addr: number): Promise<number> {
  const { task, mm, flags } = call;
  const { sched, pages } = mm.env;
  const vma = mm.vmaAt(addr);
  if (vma === undefined) throw new Errno('EFAULT', `gup: nothing mapped at 0x${addr.toString(16)}`);
  checkVma(call, vma, addr);
  const index = vma.indexOf(addr);
  for (;;) {
    if (task.pending === 'kill') throw new Errno('EINTR', 'gup: killed');
    if (sched.on) await sched.at(vma.id, 'read');
    const pfn = follow(vma, index, flags);
    if (pfn !== undefined) {
      single[0] = pfn;
      if (flags.kind === 'pin') pages.pinPages(single, 0, 1);
      else pages.getPages(single, 0, 1);
      return pfn;
    }
    await faultIn(call, vma, index);
  }
}

function checkVma(call: Gup, vma: VMA, addr: number): void {
  const refuse = (checks: typeof beforeAdmission): void => {
    const row = firstRefusal(checks, vma, call.flags);
    if (row === undefined) return;
    const what = vma.file?.label ?? 'anonymous memory';
    throw new Errno(row.code, `gup of ${what} at 0x${addr.toString(16)}: ${row.cite}`);
  };
  refuse(beforeAdmission);
  admit(call, vma);
  refuse(afterAdmission);
}

/** Ask the policy, once per VMA of a file. Throws: refused. */
function admit(call: Gup, vma: VMA): void {
  const { mm, flags, admitted } = call;
  const { mapping } = vma;
  const { admitPin } = mm.env;
  if (admitPin === undefined || mapping === null || admitted.has(vma)) return;
  const from = Math.max(call.addr, vma.start);
  const to = Math.min(call.addr + posOf(call.nrPages), vma.end);
  admitPin({
    mapping,
    vma,
    pgoff: vma.pgoffAt(from),
    nrPages: (to - from) / PAGE_SIZE,
    write: flags.write,
    longterm: flags.longterm === true,
    irrevocable: call.irrevocable,
    process: mm.process,
  });
  admitted.add(vma);
}

/** follow_page_pte: the page, if its entry allows this access as it is. */
function follow(vma: VMA, index: number, flags: GupFlags): number | undefined {
  const pte = vma.pte(index);
  const { pages } = vma.mm.env;
  // FOLL_FORCE looks through an entry without access right (gup_can_follow_protnone).
  if (pte === 0 || ((pte & PTE_PRESENT) === 0 && flags.force !== true)) return undefined;
  const pfn = pfnOfPte(pte);
  const own = pages.hasFlags(pfn, pageFlags.anon);
  if (flags.write) {
    // can_follow_write_pte: FOLL_FORCE on a private mapping has broken COW when the page is its own
    const forced = flags.force === true && !vma.prot.write && own;
    return (pte & PTE_WRITE) !== 0 || forced ? pfn : undefined;
  }
  return mustUnshare(vma, own, flags) ? undefined : pfn;
}

/** mm/internal.h:gup_must_unshare, without fork: only pages that are not the mapping's own. */
function mustUnshare(vma: VMA, own: boolean, { longterm }: GupFlags): boolean {
  return longterm === true && !vma.shared && !own && vma.mm.env.rules.readLongtermUnshares;
}

async function faultIn(call: Gup, vma: VMA, index: number): Promise<void> {
  const { task, flags } = call;
  try {
    if (flags.write) await handleFault(task, vma, index, 'write');
    else if (mustUnshare(vma, false, flags)) await unshare(task, vma, index);
    else await handleFault(task, vma, index, 'read');
  } catch (e) {
    if (!(e instanceof VmFault)) throw e;
    throw new Errno('EFAULT', `gup: ${e.message}`, { cause: e });
  }
}

function giveBack(call: Gup, out: Uint32Array, nr: number): void {
  const { pages } = call.mm.env;
  if (call.flags.kind === 'pin') pages.unpinPages(out, 0, nr);
  else pages.putPages(out, 0, nr);
}

// -- long-term --

/**
 * __gup_longterm_locked: pin, and if some page lies where no long-term pin may stay, drop them
 * all, migrate and start again. ENOMEM if a page cannot be moved; no pin is left then.
 */
async function gupLongterm(call: Gup, out: Uint32Array): Promise<number> {
  const { mm, addr, task } = call;
  for (;;) {
    const nr = await slowFrom(call, 0, out);
    const { pages } = mm.env;
    const { movable } = pageFlags;
    if (!out.subarray(0, nr).some((pfn) => pages.hasFlags(pfn, movable))) return nr;
    const pfns = out.slice(0, nr);
    giveBack(call, out, nr);
    await migrateForLongterm(task, mm, alignDown(addr), pfns);
  }
}
