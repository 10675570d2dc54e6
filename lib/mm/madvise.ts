// madvise: the advice that changes what is mapped (mm/madvise.c; facts judges 2.4, madvise02).

import { Errno } from '../errno.js';
import type { Task } from '../sched/index.js';
import { alignUp, isAligned, PAGE_SIZE } from '../units.js';
import { handleFault } from './fault.js';
import { memoryFailure } from './memory-failure.js';
import type { MM } from './mm.js';
import { pfnOfPte } from './pte.js';
import { clearPte, type VMA } from './vma.js';

export type Advice =
  | 'normal'
  | 'random'
  | 'sequential'
  | 'willneed'
  | 'dontneed'
  | 'free'
  | 'remove'
  | 'dontfork'
  | 'dofork'
  | 'wipeonfork'
  | 'hwpoison';

interface AdviceRule {
  /** Refuse this VMA: the errno, and the line of the kernel that says so. */
  readonly refuses?: (vma: VMA) => 'EINVAL' | 'EACCES' | undefined;
  readonly does: 'nothing' | 'zap' | 'remove' | 'poison';
}

const special = (vma: VMA): boolean => vma.flags.locked === true || vma.flags.pfnmap === true;

/** What each advice does. Rows cite mm/madvise.c. */
const adviceRules: Record<Advice, AdviceRule> = {
  dofork: { does: 'nothing' },
  dontfork: { does: 'nothing' },
  // madvise_dontneed_free_valid_vma: VM_LOCKED, VM_PFNMAP, VM_HUGETLB
  dontneed: { does: 'zap', refuses: (vma) => (special(vma) ? 'EINVAL' : undefined) },
  // madvise_free_single_vma: anonymous memory only. Pages may go at once.
  free: {
    does: 'zap',
    refuses: (vma) => (special(vma) || vma.file !== null ? 'EINVAL' : undefined),
  },
  // madvise_inject_error: CAP_SYS_ADMIN
  hwpoison: { does: 'poison' },
  normal: { does: 'nothing' },
  random: { does: 'nothing' },
  // madvise_remove: locked EINVAL; no file EINVAL; not shared and writable EACCES
  remove: {
    does: 'remove',
    refuses: (vma) => {
      if (vma.flags.locked === true || vma.mapping === null) return 'EINVAL';
      return vma.shared && vma.prot.write ? undefined : 'EACCES';
    },
  },
  sequential: { does: 'nothing' },
  willneed: { does: 'nothing' },
  // madvise_vma_behavior: MADV_WIPEONFORK of a file or shared mapping
  wipeonfork: {
    does: 'nothing',
    refuses: (vma) => (vma.file !== null || vma.shared ? 'EINVAL' : undefined),
  },
};

/** EINVAL: unaligned, unknown advice, refused VMA. ENOMEM: a hole; the rest was still advised. */
export async function madvise(
  task: Task,
  mm: MM,
  addr: number,
  len: number,
  advice: Advice,
): Promise<void> {
  const rule = Object.hasOwn(adviceRules, advice) ? adviceRules[advice] : undefined;
  if (rule === undefined) throw new Errno('EINVAL', `madvise: no advice '${String(advice)}'`);
  if (!isAligned(addr) || len < 0) throw new Errno('EINVAL', `madvise: 0x${addr.toString(16)}`);
  if (len === 0) return;
  const end = addr + alignUp(len);
  if (rule.does === 'poison' && mm.process?.cred.caps.has('CAP_SYS_ADMIN') !== true) {
    throw new Errno('EPERM', 'madvise hwpoison: takes CAP_SYS_ADMIN');
  }
  if (rule.does === 'remove') return removeRange(task, mm, addr, end, rule);
  await mm.mmapLock.downRead(task, 'killable');
  try {
    let at = addr;
    let hole = false;
    for (const vma of mm.vmas.overlapping(addr, end)) {
      if (vma.start > at) hole = true;
      refuse(rule, vma, advice);
      if (rule.does === 'poison') await poison(task, vma, Math.max(addr, vma.start), end);
      if (rule.does === 'zap') await zap(task, vma, Math.max(addr, vma.start), end);
      at = vma.end;
    }
    if (hole || at < end) throw new Errno('ENOMEM', `madvise: a hole in the range`);
  } finally {
    mm.mmapLock.upRead(task);
  }
}

function refuse(rule: AdviceRule, vma: VMA, advice: Advice): void {
  const code = rule.refuses?.(vma);
  if (code !== undefined) throw new Errno(code, `madvise ${advice}: not for this mapping`);
}

/** Drop the entries: private pages with them, a file's pages come back at the next fault. */
async function zap(task: Task, vma: VMA, from: number, end: number): Promise<void> {
  const { sched } = vma.mm.env;
  const to = Math.min(end, vma.end);
  await vma.mm.notifiers.around(task, from, to, 'dontneed', async () => {
    for (let index = vma.indexOf(from); index < vma.indexOf(to - 1) + 1; index++) {
      if (vma.ptes[index] === 0) continue;
      if (sched.on) await sched.at(vma.id, 'write');
      clearPte(vma, index);
    }
  });
}

/** MADV_HWPOISON: let the memory of each page fail, as if it were broken. */
async function poison(task: Task, vma: VMA, from: number, end: number): Promise<void> {
  const to = Math.min(end, vma.end);
  for (let index = vma.indexOf(from); index <= vma.indexOf(to - 1); index++) {
    await handleFault(task, vma, index, 'read');
    await memoryFailure(task, vma.mm.env, pfnOfPte(vma.pte(index)));
  }
}

/** MADV_REMOVE: a punch of the file, made with mmap_lock dropped (madvise_remove). */
async function removeRange(
  task: Task,
  mm: MM,
  addr: number,
  end: number,
  rule: AdviceRule,
): Promise<void> {
  let at = addr;
  while (at < end) {
    await mm.mmapLock.downRead(task, 'killable');
    let vma: VMA | undefined;
    try {
      vma = mm.vmaAt(at);
      if (vma === undefined) throw new Errno('ENOMEM', 'madvise remove: a hole in the range');
      refuse(rule, vma, 'remove');
      vma.file?.getFile();
    } finally {
      mm.mmapLock.upRead(task);
    }
    const to = Math.min(end, vma.end);
    try {
      if (vma.ops.remove === undefined) throw new Errno('EOPNOTSUPP', 'madvise remove: no punch');
      await vma.ops.remove(task, vma, vma.pgoffAt(at), (to - at) / PAGE_SIZE);
    } finally {
      await vma.file?.putFile(task);
    }
    at = to;
  }
}
