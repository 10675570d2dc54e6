// A lockless pin and the truncate that it races with, as the steps that memory order is about.
//
//     pinner                                truncate
//       read      an entry                    clear    an entry
//       raise     a count                     isBusy   is any count up?
//       recheck   the entry; put back         free     if not; else wait and look again
//
// Threads take the steps one after the other, as fast as they can (stress-thread.ts,
// stress-truncater.ts); the explorer takes the same steps with a point between any two.

import type { Pfn, Pgoff } from '../units.js';
import type { StressMemory } from './stress-memory.js';

/** One thread's end of it. The steps of a pin follow each other; nothing is kept beyond them. */
export interface PinProtocol {
  /** How many of nr entries from pgoff on may be taken, up to the first that may not. */
  read(pgoff: Pgoff, nr: number): number;
  /** Count the first nr pages that read() met; how many, up to the first that is full. */
  raise(nr: number): number;
  /** Those of nr whose entries still stand: their pfns to out, the number returned. Else undone. */
  recheck(pgoff: Pgoff, nr: number, out: Uint32Array): number;
  /** All steps at once, where a protocol has a call for it. */
  pin?(pgoff: Pgoff, nr: number, out: Uint32Array): number;
  /** Give back the pins of out[from .. from + nr). */
  unpin(out: Uint32Array, from: number, nr: number): void;

  /** Truncate: empty the entry; the page that stood there. */
  clear(pgoff: Pgoff): Pfn;
  /** Truncate: whether somebody counts in the page. */
  isBusy(pfn: Pfn): boolean;

  /** At a quiet moment: the pins of the page by all threads. */
  pins(pfn: Pfn): number;
}

export interface StressScenario {
  readonly name: string;
  /** What is true of the system if nothing fails. */
  readonly title: string;
  /** What is wrong, if this one is planted. */
  readonly defect: string | null;
  /**
   * Where threads import it from: the module (its import.meta.url) that exports this very object
   * under any name. null: it ships with Leasehold.
   */
  readonly url: string | null;
  /** thread: from 0; the truncating thread has the number after the last. */
  protocol(memory: StressMemory, thread: number): PinProtocol;
}

/** One lockless pin; how many pages it got, their pfns in out. */
export function pinOnce(protocol: PinProtocol, pgoff: Pgoff, nr: number, out: Uint32Array): number {
  if (protocol.pin !== undefined) return protocol.pin(pgoff, nr, out);
  const seen = protocol.read(pgoff, nr);
  return seen === 0 ? 0 : protocol.recheck(pgoff, protocol.raise(seen), out);
}

// What stands in the words of a page that devices write: whose page the writer took it for.

/** Of a page of the file under test. */
export const stampOf = (pgoff: Pgoff): number => 0x1000 + pgoff;
/** Of a page that another file got. */
export const OTHER_STAMP = 0x2000;
/** Of a page that is free. */
export const FREE_STAMP = 0x3000;
