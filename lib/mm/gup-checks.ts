// May pages of this VMA be taken at all? check_vma_flags() of mm/gup.c as a table, in its order:
// the first row that applies decides (facts 2.2). Rows about a page or an address are in gup.ts.

import type { ErrnoCode } from '../errno.js';
import type { MMEnv } from './mm-env.js';
import type { VMA } from './vma.js';

export interface GupFlags {
  /** FOLL_WRITE: the device will write. */
  readonly write: boolean;
  /** FOLL_FORCE: break COW of a private mapping that is not writable. */
  readonly force?: boolean | undefined;
  /** FOLL_LONGTERM; implies pin. */
  readonly longterm?: boolean | undefined;
  /** FOLL_GET or FOLL_PIN: one or the other. */
  readonly kind: 'get' | 'pin';
}

export interface GupCheck {
  /** Line of facts 2.2, and the kernel function. */
  readonly cite: string;
  readonly code: ErrnoCode;
  readonly refuses: (vma: VMA, flags: GupFlags, env: MMEnv) => boolean;
}

/** What kernel or policy says of a long-term pin of an fsdax file. */
function longtermFsdax(vma: VMA, env: MMEnv): 'EOPNOTSUPP' | 'lease' | 'allow' {
  const { mapping } = vma;
  const override = mapping === null ? undefined : env.longtermFsdax?.(mapping);
  return override ?? env.rules.longtermFsdax;
}

/**
 * Ordinary page-cache file systems notice stores; tmpfs does not
 * (mm/mmap.c:vma_needs_dirty_tracking).
 */
function needsDirtyTracking(vma: VMA): boolean {
  const host = vma.mapping?.host;
  return vma.shared && vma.prot.write && host?.kind === 'pagecache' && host.dirtyTracked;
}

export const beforeAdmission: readonly GupCheck[] = [
  {
    cite: '1: mm/gup.c:check_vma_flags, VM_IO | VM_PFNMAP',
    code: 'EFAULT',
    refuses: (vma) => vma.flags.io === true || vma.flags.pfnmap === true,
  },
];

export const afterAdmission: readonly GupCheck[] = [
  {
    cite: '2: check_vma_flags, FOLL_LONGTERM && vma_is_fsdax',
    code: 'EOPNOTSUPP',
    refuses: (vma, { longterm }, env) =>
      longterm === true && vma.isFsdax && longtermFsdax(vma, env) === 'EOPNOTSUPP',
  },
  {
    cite: '3: check_vma_flags, vma_is_secretmem',
    code: 'EFAULT',
    refuses: (vma) => vma.isSecretmem,
  },
  {
    cite: '3a: writable_file_mapping_allowed (6.5+)',
    code: 'EFAULT',
    refuses: (vma, { longterm, write, kind }, env) =>
      kind === 'pin' &&
      longterm === true &&
      write &&
      env.rules.longtermWriteDirtyTracked === 'EFAULT' &&
      needsDirtyTracking(vma),
  },
  {
    cite: '4: FOLL_WRITE without VM_WRITE and without FOLL_FORCE',
    code: 'EFAULT',
    refuses: (vma, { write, force }) => write && !vma.prot.write && force !== true,
  },
  {
    cite: '5: FOLL_WRITE | FOLL_FORCE, not a COW mapping',
    code: 'EFAULT',
    refuses: (vma, { write }) => write && !vma.prot.write && vma.shared,
  },
  {
    cite: '6: no FOLL_WRITE, no VM_READ, no FOLL_FORCE',
    code: 'EFAULT',
    refuses: (vma, { write, force }) => !write && !vma.prot.read && force !== true,
  },
];

/** The whole table, in order; admission (a policy's word) comes after row 1. */
export const gupChecks: readonly GupCheck[] = [...beforeAdmission, ...afterAdmission];

/** The first row of the table that refuses. */
export function firstRefusal(
  checks: readonly GupCheck[],
  vma: VMA,
  flags: GupFlags,
): GupCheck | undefined {
  return checks.find((check) => check.refuses(vma, flags, vma.mm.env));
}
