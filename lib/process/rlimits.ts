// setrlimit(): what a process may use at most. Defaults are those of Linux
// (include/asm-generic/resource.h; RLIMIT_MEMLOCK 8 MiB since 5.16).

import { constant } from '../constant.js';
import { Errno } from '../errno.js';
import { checkStruct, shown } from '../arguments.js';
import { MiB } from '../units.js';
import type { Credentials } from '../mm/caller.js';

export type LimitName = 'memlock' | 'fsize' | 'nofile';

export interface Limit {
  readonly soft: number;
  readonly hard: number;
}

export const defaultLimits: Readonly<Record<LimitName, Limit>> = {
  memlock: constant({ soft: 8 * MiB, hard: 8 * MiB }),
  fsize: constant({ soft: Infinity, hard: Infinity }),
  nofile: constant({ soft: 1024, hard: 4096 }),
};

export class Rlimits {
  readonly #limits: Record<LimitName, Limit> = { ...defaultLimits };

  /** The soft limit: bytes for memlock and fsize, a count for nofile. */
  soft(name: LimitName): number {
    return this.get(name).soft;
  }

  get(name: LimitName): Limit {
    const limit = Object.hasOwn(this.#limits, name) ? this.#limits[name] : undefined;
    if (limit === undefined) throw new Errno('EINVAL', `rlimit: no such limit: ${String(name)}`);
    return limit;
  }

  /**
   * Set both limits. EINVAL if soft is above hard; EPERM if hard rises without CAP_SYS_RESOURCE
   * (linux kernel/sys.c:do_prlimit).
   */
  set(cred: Credentials, name: LimitName, limit: Limit): void {
    const old = this.get(name);
    checkStruct('setrlimit', `${name} limit`, limit);
    const exact = (n: number): boolean => n === Infinity || (Number.isSafeInteger(n) && n >= 0);
    if (!exact(limit.soft) || !exact(limit.hard) || limit.soft > limit.hard) {
      throw new Errno(
        'EINVAL',
        `setrlimit: ${name}: limit: soft ${shown(limit.soft)}, hard ${shown(limit.hard)}`,
      );
    }
    if (limit.hard > old.hard && !cred.caps.has('CAP_SYS_RESOURCE')) {
      throw new Errno('EPERM', `setrlimit: ${name}: raising ${old.hard} to ${limit.hard}`);
    }
    this.#limits[name] = constant({ ...limit });
  }
}
