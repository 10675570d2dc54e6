// Arguments of requests, checked where they enter. From here on they are assertions.

import { Errno } from '../../lib/driver/index.js';

/** A number that means the whole address space, where a length is asked for (implicit ODP). */
export const SIZE_MAX = 2 ** 64;

/** The argument of a request. EINVAL: not an object. */
export function checkObject(name: string, v: unknown): Record<string, unknown> {
  if (typeof v !== 'object' || v === null || Array.isArray(v)) {
    throw new Errno('EINVAL', `${name}: an object is needed, not ${String(v)}`);
  }
  return v as Record<string, unknown>;
}

/** A whole number of [min, max]. EINVAL names it. */
export function checkInt(name: string, v: unknown, min: number, max: number): number {
  if (typeof v !== 'number' || !Number.isSafeInteger(v) || v < min || v > max) {
    throw new Errno('EINVAL', `${name}: ${String(v)} is not a whole number of ${min}..${max}`);
  }
  return v;
}

/** What was given, or else what stands for nothing given. null is given. */
export const orElse = <T>(v: T | undefined, otherwise: T): T => (v === undefined ? otherwise : v);

export const checkAddr = (name: string, v: unknown): number =>
  checkInt(name, v, 0, Number.MAX_SAFE_INTEGER);

export function checkOneOf<T extends string>(name: string, v: unknown, of: readonly T[]): T {
  if (!of.includes(v as T))
    throw new Errno('EINVAL', `${name}: ${String(v)}, not ${of.join(', ')}`);
  return v as T;
}

export function checkBoolean(name: string, v: unknown): boolean {
  if (typeof v !== 'boolean') throw new Errno('EINVAL', `${name}: ${String(v)} is no boolean`);
  return v;
}

/** A list of requests, or the one that stands for a list of one. */
export const listOf = <WR>(wr: WR | readonly WR[]): readonly WR[] =>
  Array.isArray(wr) ? (wr as readonly WR[]) : [wr as WR];
