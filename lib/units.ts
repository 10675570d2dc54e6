// Quantities and the only conversions between them: bytes, pages and nanoseconds.
//
// All are plain JS numbers, exact to 2^53 - 1: 8 PiB of bytes, 104 days of nanoseconds. No bit
// operator touches a byte position, since those would cut it to 32 bits.

import { Errno } from './errno.js';

/** Page frame number: global over all regions of a machine. */
export type Pfn = number;
/** Page offset within a file, in pages. */
export type Pgoff = number;

export const PAGE_SHIFT = 12;
export const PAGE_SIZE = 4096;
export const KiB = 1024;
export const MiB = 1024 * KiB;
export const GiB = 1024 * MiB;

export const NS_PER_US = 1_000;
export const NS_PER_MS = 1_000_000;
export const NS_PER_SECOND = 1_000_000_000;

/** Microseconds to nanoseconds. */
export const us = (n: number): number => Math.round(n * NS_PER_US);
/** Milliseconds to nanoseconds. */
export const ms = (n: number): number => Math.round(n * NS_PER_MS);
/** Seconds to nanoseconds. */
export const seconds = (n: number): number => Math.round(n * NS_PER_SECOND);
/** Nanoseconds to milliseconds, with a fraction. */
export const nsToMs = (ns: number): number => ns / NS_PER_MS;

/** The page that byte pos lies in. */
export const pgoffOf = (pos: number): Pgoff => Math.floor(pos / PAGE_SIZE);
/** The first byte of a page. */
export const posOf = (pgoff: Pgoff): number => pgoff * PAGE_SIZE;
/** How far pos lies into its page. */
export const pageOffset = (pos: number): number => pos % PAGE_SIZE;
/** Pages that len bytes fill, the last one perhaps in part. */
export const pagesFor = (len: number): number => Math.ceil(len / PAGE_SIZE);
/** Pages touched by [pos, pos + len): a page covered in part counts; no bytes touch none. */
export const pagesSpanned = (pos: number, len: number): number =>
  len === 0 ? 0 : pgoffOf(pos + len - 1) - pgoffOf(pos) + 1;

/** The greatest multiple of size that is not above n. */
export const alignDown = (n: number, size: number = PAGE_SIZE): number => n - (n % size);
/** The smallest multiple of size that is not below n. */
export const alignUp = (n: number, size: number = PAGE_SIZE): number =>
  n % size === 0 ? n : n - (n % size) + size;
export const isAligned = (n: number, size: number = PAGE_SIZE): boolean => n % size === 0;

function checkExact(name: string, v: unknown): asserts v is number {
  if (typeof v !== 'number' || !Number.isSafeInteger(v) || v < 0) {
    throw new Errno('EINVAL', `${name}: ${String(v)} is not a whole number from 0 to 2^53 - 1`);
  }
}

/** A byte position handed in from outside; returns it. EINVAL names the argument. */
export function checkPos(name: string, v: number): number {
  checkExact(name, v);
  return v;
}

/** A byte length handed in from outside, perhaps zero; returns it. EINVAL names the argument. */
export function checkLen(name: string, v: number): number {
  checkExact(name, v);
  return v;
}

/** A count of things handed in from outside; returns it. EINVAL names the argument. */
export function checkCount(name: string, v: number): number {
  checkExact(name, v);
  return v;
}

/** A range handed in from outside: its end too must be exact. EINVAL. */
export function checkRange(name: string, pos: number, len: number): void {
  checkExact(`${name} position`, pos);
  checkExact(`${name} length`, len);
  checkExact(`${name} end`, pos + len);
}

/** A range of memory handed in from outside: its end too must be exact. EINVAL. */
export function checkSpan(name: string, addr: number, len: number): void {
  checkExact(`${name} address`, addr);
  checkExact(`${name} length`, len);
  checkExact(`${name} address and length: end`, addr + len);
}
