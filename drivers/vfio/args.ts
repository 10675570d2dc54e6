// Arguments of requests, checked where they enter. From here on they are assertions.

import { Errno } from '../../lib/driver/index.js';

/** The argument of a request. EINVAL: not an object. */
export function checkObject(name: string, v: unknown): Record<string, unknown> {
  if (typeof v !== 'object' || v === null || Array.isArray(v)) {
    throw new Errno('EINVAL', `${name}: an object is needed, not ${String(v)}`);
  }
  return v as Record<string, unknown>;
}

/** A whole number of [min, max]. EINVAL names it. */
export function checkInt(name: string, v: unknown, min = 0, max = Number.MAX_SAFE_INTEGER): number {
  if (typeof v !== 'number' || !Number.isSafeInteger(v) || v < min || v > max) {
    throw new Errno('EINVAL', `${name}: ${String(v)} is not a whole number of ${min}..${max}`);
  }
  return v;
}

/** A list of known words. EINVAL: another word. */
export function checkFlags<T extends string>(name: string, v: unknown, of: readonly T[]): T[] {
  const list: readonly unknown[] = Array.isArray(v) ? v : [v];
  for (const flag of list) {
    if (!of.includes(flag as T)) {
      throw new Errno('EINVAL', `${name}: ${String(flag)}, not of ${of.join(', ')}`);
    }
  }
  return list as T[];
}
