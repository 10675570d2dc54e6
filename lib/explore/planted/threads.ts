// Planted bugs of lockless pins, for real threads: the re-read left out, and a fence left out.
//
//   threads-missing-recheck   in every order of memory: the explorer finds it too
//   threads-missing-fence     only where a load may pass the store before it, as on every CPU that
//                             runs this: the explorer, which takes one step at a time, cannot
//
// The first counts in the pages (native/page_counters.h), the second in words of each thread's own,
// as who would save the locked instruction does it (hazard pointers; the per-CPU counters of a
// percpu_ref): then nothing but the store itself can keep the loads behind it.

import { pfnOfPte, PTE_PRESENT } from '../../mm/pte.js';
import { Errno } from '../../errno.js';
import type { Pfn, Pgoff } from '../../units.js';
import { FILE_PAGES, type StressMemory } from '../stress-memory.js';
import type { PinProtocol, StressScenario } from '../stress-protocol.js';
import { twinOf } from './planted.js';

/** The entry is emptied by a sequentially consistent exchange, in every protocol here. */
const clearEntry = (memory: StressMemory, pgoff: Pgoff): Pfn =>
  pfnOfPte(Atomics.exchange(memory.ptes, pgoff, 0));

/** The fast path of get_user_pages in its three native steps. */
class CountedPins implements PinProtocol {
  protected readonly memory: StressMemory;
  readonly #entries = new Uint32Array(new ArrayBuffer(4 * FILE_PAGES));
  readonly #rechecks: boolean;

  constructor(memory: StressMemory, rechecks: boolean) {
    this.memory = memory;
    this.#rechecks = rechecks;
  }

  read(pgoff: Pgoff, nr: number): number {
    const { pages, ptes } = this.memory;
    return pages.native.gupRead(ptes, pgoff, nr, true, this.#entries, 0);
  }

  raise(nr: number): number {
    return this.memory.pages.native.gupRaise(this.#entries, 0, nr, true);
  }

  recheck(pgoff: Pgoff, nr: number, out: Uint32Array): number {
    const { pages, ptes } = this.memory;
    if (this.#rechecks) {
      return pages.native.gupRecheck(ptes, pgoff, nr, this.#entries, 0, true, out, 0);
    }
    for (let i = 0; i < nr; i++) out[i] = pfnOfPte(this.#entries[i]! | 0);
    return nr;
  }

  unpin(out: Uint32Array, from: number, nr: number): void {
    this.memory.pages.native.unpinList(out, from, nr);
  }

  clear(pgoff: Pgoff): Pfn {
    return clearEntry(this.memory, pgoff);
  }

  isBusy(pfn: Pfn): boolean {
    return this.memory.pages.native.firstBusy(pfn, 1) >= 0;
  }

  pins(pfn: Pfn): number {
    return this.memory.pages.pins(pfn);
  }
}

/** What live machines call: the same in one call. */
class FastPins extends CountedPins {
  constructor(memory: StressMemory) {
    super(memory, true);
  }

  pin(pgoff: Pgoff, nr: number, out: Uint32Array): number {
    const { pages, ptes } = this.memory;
    return pages.native.gupFast(ptes, pgoff, nr, true, true, out, 0);
  }
}

/** A count of its own for each thread and page, stored and never added to by others. */
class SlottedPins implements PinProtocol {
  readonly #memory: StressMemory;
  readonly #slots: Int32Array;
  readonly #fenced: boolean;
  readonly #entries = new Int32Array(FILE_PAGES);

  constructor(memory: StressMemory, thread: number, fenced: boolean) {
    this.#memory = memory;
    this.#slots = memory.blocks[Math.min(thread, memory.blocks.length - 1)]!.slots;
    this.#fenced = fenced;
  }

  read(pgoff: Pgoff, nr: number): number {
    for (let i = 0; i < nr; i++) {
      const entry = Atomics.load(this.#memory.ptes, pgoff + i);
      if ((entry & PTE_PRESENT) === 0) return i;
      this.#entries[i] = entry;
    }
    return nr;
  }

  raise(nr: number): number {
    for (let i = 0; i < nr; i++) {
      const slot = this.#slotOf(pfnOfPte(this.#entries[i]!));
      const count = this.#slots[slot]! + 1;
      // A plain store waits in the CPU's store buffer while the loads after it go on.
      if (this.#fenced) Atomics.store(this.#slots, slot, count);
      else this.#slots[slot] = count;
    }
    return nr;
  }

  recheck(pgoff: Pgoff, nr: number, out: Uint32Array): number {
    let kept = 0;
    while (kept < nr && Atomics.load(this.#memory.ptes, pgoff + kept) === this.#entries[kept]) {
      out[kept] = pfnOfPte(this.#entries[kept]!);
      kept++;
    }
    for (let i = kept; i < nr; i++) this.#lower(pfnOfPte(this.#entries[i]!));
    return kept;
  }

  unpin(out: Uint32Array, from: number, nr: number): void {
    for (let i = from; i < from + nr; i++) this.#lower(out[i]!);
  }

  clear(pgoff: Pgoff): Pfn {
    return clearEntry(this.#memory, pgoff);
  }

  isBusy(pfn: Pfn): boolean {
    const { blocks, nrThreads } = this.#memory;
    const slot = this.#slotOf(pfn);
    for (let i = 0; i < nrThreads; i++) if (Atomics.load(blocks[i]!.slots, slot) > 0) return true;
    return false;
  }

  pins(pfn: Pfn): number {
    const slot = this.#slotOf(pfn);
    return this.#memory.blocks.reduce((sum, { slots }) => sum + Atomics.load(slots, slot), 0);
  }

  #lower(pfn: Pfn): void {
    const slot = this.#slotOf(pfn);
    Atomics.store(this.#slots, slot, this.#slots[slot]! - 1);
  }

  #slotOf(pfn: Pfn): number {
    return this.#memory.indexOf(pfn);
  }
}

const shipped = { url: null } as const;

/** A defect and its repaired twin. */
const pair = (
  spec: { readonly name: string; readonly title: string; readonly defect: string },
  protocol: (memory: StressMemory, thread: number, broken: boolean) => PinProtocol,
): StressScenario[] => [
  { ...shipped, ...spec, protocol: (memory, thread) => protocol(memory, thread, true) },
  {
    ...shipped,
    ...spec,
    name: twinOf(spec.name),
    defect: null,
    protocol: (memory, thread) => protocol(memory, thread, false),
  },
];

export const threadScenarios: readonly StressScenario[] = [
  {
    ...shipped,
    name: 'threads-gup-fast',
    title: 'pages pinned by threads without a lock stay the file\u2019s while they are pinned',
    defect: null,
    protocol: (memory) => new FastPins(memory),
  },
  ...pair(
    {
      name: 'threads-missing-recheck',
      title: 'a page pinned without a lock is still the page of the file',
      defect: 'the lockless pin does not read the entry again after it raised the count',
    },
    (memory, _thread, broken) => new CountedPins(memory, !broken),
  ),
  ...pair(
    {
      name: 'threads-missing-fence',
      title: 'a pin is seen by truncate, or it sees the entry that truncate emptied',
      defect: 'no fence stands between the store of the pin and the re-read of the entry',
    },
    (memory, thread, broken) => new SlottedPins(memory, thread, !broken),
  ),
];

/** What leasehold race --stress runs, by name. ENOENT names where they are listed. */
export function threadScenarioNamed(name: string): StressScenario {
  const found = threadScenarios.find((scenario) => scenario.name === name);
  if (found !== undefined) return found;
  throw new Errno('ENOENT', `race: no stress scenario is called ${name}; see race --list`);
}
