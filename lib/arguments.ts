// Arguments of system calls, checked where they enter: from here on they are assertions. Whatever
// cannot be the argument at all is refused as Linux refuses the nearest thing that C can pass:
// a pointer to nowhere is EFAULT, a number or a name that means nothing EINVAL.

import { Errno } from './errno.js';

const MAX_ID = 2 ** 32 - 2;
const ALL_MODE_BITS = 0o177777;

/** The type of a value and, where that says more, the value. */
export const shown = (v: unknown): string =>
  typeof v === 'object' && v !== null ? `an object` : String(v);

/** A path. EFAULT: no string. EINVAL: a NUL, which ends a path in C. */
export function checkPath(call: string, path: unknown, name = 'path'): string {
  if (typeof path !== 'string') throw new Errno('EFAULT', `${call}: ${name}: ${shown(path)}`);
  if (path.includes('\0')) throw new Errno('EINVAL', `${call}: ${name}: a NUL inside`);
  return path;
}

/** A name or a label, where a call of the emulator itself takes one. */
export function checkText(call: string, name: string, v: unknown): void {
  if (typeof v === 'string') return;
  throw new Errno('EINVAL', `${call}: ${name}: ${shown(v)} is no string`);
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

/** Bytes, where a call of the emulator itself takes them. */
export function checkBytesOf(call: string, name: string, v: unknown): void {
  if (v instanceof Uint8Array) return;
  throw new Errno('EINVAL', `${call}: ${name}: ${shown(v)} is no Uint8Array`);
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

/** A whole number from min to max. */
export function checkWhole(call: string, name: string, v: unknown, min: number, max: number): void {
  if (typeof v === 'number' && Number.isSafeInteger(v) && v >= min && v <= max) return;
  throw new Errno('EINVAL', `${call}: ${name}: ${shown(v)} is no whole number, ${min} to ${max}`);
}

/** Any whole number that is exact. */
export const checkExactNumber = (call: string, name: string, v: unknown): void =>
  checkWhole(call, name, v, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);

/** A length of time, perhaps for ever. */
export function checkTime(call: string, name: string, v: unknown): void {
  if (typeof v === 'number' && v >= 0) return;
  throw new Errno('EINVAL', `${call}: ${name}: ${shown(v)} is no length of time`);
}

/** Bytes [pos, pos + len) of shared memory, where words of `align` bytes lie. */
export function checkShared(
  call: string,
  buffer: unknown,
  pos: unknown,
  len: number,
  align: number,
): void {
  if (!(buffer instanceof SharedArrayBuffer)) {
    throw new Errno('EINVAL', `${call}: buffer: ${shown(buffer)} is no SharedArrayBuffer`);
  }
  checkWhole(call, 'pos', pos, 0, Number.MAX_SAFE_INTEGER);
  const at = pos as number;
  if (at % align === 0 && at + len <= buffer.byteLength) return;
  const room = `${len} bytes at a multiple of ${align} in ${buffer.byteLength}`;
  throw new Errno('EINVAL', `${call}: pos: ${at} has no room for ${room}`);
}

/** A function. */
export function checkFunction(call: string, name: string, v: unknown): void {
  if (typeof v === 'function') return;
  throw new Errno('EINVAL', `${call}: ${name}: ${shown(v)} is no function`);
}

/** An object, where a call of the emulator itself takes one. */
export function checkObject(call: string, name: string, v: unknown): void {
  if (typeof v === 'object' && v !== null) return;
  throw new Errno('EINVAL', `${call}: ${name}: ${shown(v)} is no object`);
}

/** An object of a class. */
export function checkInstance(
  call: string,
  name: string,
  v: unknown,
  owner: { readonly name: string; readonly prototype: object },
): void {
  if (v instanceof (owner as unknown as new () => object)) return;
  throw new Errno('EINVAL', `${call}: ${name}: ${shown(v)} is no ${owner.name}`);
}
