// security_hook_heads: what security modules of a machine have to say, as BPF programs of type LSM
// say it. Linux asks the modules in turn, and the first errno is the answer (security.c:
// call_int_hook); asking takes no lock and none of them may sleep.

import { Errno, type ErrnoCode } from '../errno.js';
import type { ProcessLike } from '../mm/caller.js';

/**
 * security_file_lock(), for F_SETLEASE of a type or F_UNLCK: an errno refuses. The file is told by
 * its path, or by what an open file without one is called.
 */
export type FileLockHook = (
  process: ProcessLike,
  file: { readonly label: string },
  type: string,
) => ErrnoCode | undefined;

export class SecurityHooks {
  readonly #fileLock: FileLockHook[] = [];

  /** Ask hook too, after those there are; what is answered takes it away. EINVAL: no function. */
  addFileLock(hook: FileLockHook): () => void {
    if (typeof hook !== 'function') {
      throw new Errno('EINVAL', `lsm: hook: ${String(hook)} is no function`);
    }
    const entry: FileLockHook = (...asked) => hook(...asked);
    this.#fileLock.push(entry);
    return () => {
      const at = this.#fileLock.indexOf(entry);
      if (at >= 0) this.#fileLock.splice(at, 1);
    };
  }

  /** Whatever a module says refuses. */
  fileLock(process: ProcessLike, file: { readonly label: string }, type: string): void {
    for (const hook of this.#fileLock) {
      const code = hook(process, file, type);
      if (code !== undefined) {
        throw new Errno(code, `setlease: a security module refuses ${type} on ${file.label}`);
      }
    }
  }
}
