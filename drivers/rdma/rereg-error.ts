// How a rereg failed: libibverbs' five classes, and which region may be used afterwards
// (ibv_rereg_mr(3): enum ibv_rereg_mr_err_code).
//
//   INPUT -1                    the old region is as it was
//   DONT_FORK_NEW -2            the old region is as it was
//   DO_FORK_OLD -3              the new region is good
//   CMD -4                      none is: deregister it
//   CMD_AND_DO_FORK_NEW -5      none is: deregister it
//
// The fork classes come from madvise(MADV_DONTFORK) of the ranges. Emulated processes do not fork,
// so this library never sees one; they stand here for programs that handle all five.

import { Errno, isErrno } from '../../lib/driver/index.js';
import { reregBits } from './mr-rereg.js';
import type { ReregRequest } from './verbs-context.js';
import { MR } from './verbs-objects.js';

export const reregErrors = {
  INPUT: { code: -1, valid: 'old' },
  DONT_FORK_NEW: { code: -2, valid: 'old' },
  DO_FORK_OLD: { code: -3, valid: 'new' },
  CMD: { code: -4, valid: 'none' },
  CMD_AND_DO_FORK_NEW: { code: -5, valid: 'none' },
} as const;

export type ReregClass = keyof typeof reregErrors;

export class ReregError extends Errno {
  readonly reregClass: ReregClass;

  constructor(reregClass: ReregClass, cause: Errno) {
    super(cause.code, cause.message.slice(cause.code.length + 2), { cause });
    this.reregClass = reregClass;
  }

  /** Which region may be used now. */
  get valid(): 'old' | 'new' | 'none' {
    return reregErrors[this.reregClass].valid;
  }
}

const input = (why: string): ReregError =>
  new ReregError('INPUT', new Errno('EINVAL', `rereg_mr: ${why}`));

/** What libibverbs refuses before it asks the kernel. */
export function checkReregInput(mr: MR, request: ReregRequest): void {
  if (!(mr instanceof MR)) throw input('not a region');
  if (mr.kind !== 'user') throw input('not a plain region');
  if (typeof request !== 'object' || request === null) throw input('no request');
  const { flags, addr, len, access } = request;
  if (!Array.isArray(flags)) throw input('a list of flags is needed');
  for (const flag of flags as readonly unknown[]) {
    if (typeof flag !== 'string' || !(flag in reregBits)) throw input(`flag ${String(flag)}`);
  }
  if (flags.includes('translation') && (!addr || !len)) throw input('translation to nothing');
  if (access !== undefined && !Array.isArray(access)) throw input('access is no list');
  if (access !== undefined && access.length > 0 && !flags.includes('access')) {
    throw input('access is given, but is not to be changed');
  }
}

/** The kernel said no. */
export const kernelRefused = (e: unknown): unknown => (isErrno(e) ? new ReregError('CMD', e) : e);
