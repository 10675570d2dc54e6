// Arguments of system calls, checked where they enter: from here on they are assertions. Whatever
// cannot be the argument at all is refused as Linux refuses the nearest thing that C can pass:
// a pointer to nowhere is EFAULT, a number or a name that means nothing EINVAL.

import { Errno } from '../errno.js';

const MAX_ID = 2 ** 32 - 2;
const ALL_MODE_BITS = 0o177777;

/** The type of a value and, where that says more, the value. */
export const shown = (v: unknown): string =>
  typeof v === 'object' && v !== null ? `an object` : String(v);

/** A path. EFAULT: no string. EINVAL: a NUL, which ends a path in C. */
export function checkPath(call: string, path: unknown): string {
  if (typeof path !== 'string') throw new Errno('EFAULT', `${call}: path: ${shown(path)}`);
  if (path.includes('\0')) throw new Errno('EINVAL', `${call}: path: a NUL inside`);
  return path;
}

/** Permission bits. */
export function checkMode(call: string, mode: unknown): number {
  if (typeof mode === 'number' && Number.isInteger(mode) && mode >= 0 && mode <= ALL_MODE_BITS) {
    return mode;
  }
  throw new Errno('EINVAL', `${call}: mode: ${shown(mode)}`);
}

/** A user or group id; -1 leaves what there is, where the call allows that. */
export function checkId(call: string, name: 'uid' | 'gid', id: unknown, keep = false): number {
  const whole = typeof id === 'number' && Number.isInteger(id) && id <= MAX_ID;
  if (whole && (id >= 0 || (keep && id === -1))) return id;
  throw new Errno('EINVAL', `${call}: ${name}: ${shown(id)}`);
}

/** Bytes to be read. EFAULT: no Uint8Array. */
export function checkBytes(call: string, data: unknown): Uint8Array {
  if (data instanceof Uint8Array) return data;
  throw new Errno('EFAULT', `${call}: data: ${shown(data)} is no Uint8Array`);
}

/** A list. */
export function checkList(call: string, name: string, v: unknown): readonly unknown[] {
  if (Array.isArray(v)) return v as unknown[];
  throw new Errno('EINVAL', `${call}: ${name}: ${shown(v)} is no list`);
}

/** A structure that the call reads. EFAULT: none is there. */
export function checkStruct(call: string, name: string, v: unknown): void {
  if (typeof v === 'object' && v !== null) return;
  throw new Errno('EFAULT', `${call}: ${name}: ${shown(v)} is no object`);
}

export function checkBoolean(call: string, name: string, v: unknown): boolean {
  if (typeof v === 'boolean') return v;
  throw new Errno('EINVAL', `${call}: ${name}: ${shown(v)} is no boolean`);
}

/** One of a few words. */
export function checkWord<T extends string>(
  call: string,
  name: string,
  v: unknown,
  words: readonly T[],
): T {
  if (words.includes(v as T)) return v as T;
  throw new Errno('EINVAL', `${call}: ${name}: ${shown(v)} is not ${words.join(', ')}`);
}

const accessModes: readonly unknown[] = ['rdonly', 'wronly', 'rdwr'];
const openFlags: readonly unknown[] = [
  ...accessModes,
  ...['append', 'cloexec', 'creat', 'direct', 'directory', 'excl', 'nofollow'],
  ...['nonblock', 'path', 'trunc'],
];

/** Flags of open(2): known ones, with one access mode at most. */
export function checkOpenFlags(flags: unknown): void {
  const list = checkList('open', 'flags', flags);
  for (const flag of list) {
    if (!openFlags.includes(flag)) throw new Errno('EINVAL', `open: flags: no flag ${shown(flag)}`);
  }
  if (list.filter((flag) => accessModes.includes(flag)).length > 1) {
    throw new Errno('EINVAL', `open: flags: two access modes in ${list.join(', ')}`);
  }
}
