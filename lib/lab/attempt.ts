// What an application makes of a refusal: it goes on.

import { isErrno } from '../errno.js';
import { MemoryFault, ProcessKilled } from '../machine.js';

/** Whether an application would live with it: an errno, a fault, or its own death. */
export const isRefusal = (e: unknown): boolean =>
  isErrno(e) || e instanceof ProcessKilled || e instanceof MemoryFault;

/** `ok`, the errno, or `killed`. Our own mistakes are thrown. */
export async function attempt(calls: () => Promise<unknown>): Promise<string> {
  try {
    await calls();
    return 'ok';
  } catch (e) {
    if (!isRefusal(e)) throw e;
    return isErrno(e) ? e.code : 'killed';
  }
}
