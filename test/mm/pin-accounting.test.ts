// Goal: pins, gets, maps and accounts always balance. Method: random acts of three processes over
// one file and anonymous memory, a plain model beside them, everything undone at the end.

import { fc, testProp } from '@fast-check/ava';
import { isErrno } from '../../lib/errno.js';
import { chargePinned, unchargePinned } from '../../lib/mm/accounting.js';
import { gup, pinUserPages, type PinnedPages } from '../../lib/mm/gup.js';
import { PAGE_SIZE, posOf } from '../../lib/units.js';
import { assertBalanced } from '../support/balance.js';
import {
  bytes,
  mapFile,
  memoryMachine,
  newProcess,
  originOf,
  TestFile,
} from '../support/mm-fixture.js';

const NR_PAGES = 6;

const act = fc.record({
  what: fc.constantFrom(
    'pin',
    'register',
    'get',
    'drop',
    'store',
    'load',
    'punch',
    'munmap',
    'map',
  ),
  who: fc.nat(2),
  page: fc.nat(NR_PAGES - 1),
  nr: fc.integer({ min: 1, max: NR_PAGES }),
  which: fc.nat(1000),
});

interface Held {
  readonly pfns: readonly number[];
  readonly drop: () => void;
  readonly pin: boolean;
}

testProp(
  'references, pins, mapcounts, vmstat and pinned_vm follow the model',
  [fc.array(act, { maxLength: 40 }), fc.constantFrom('6.1', '6.12', '7.2', 'proposed')],
  async (t, acts, kernel) => {
    const m = memoryMachine({ kernel, ramPages: 256 });
    const { pages, vmstat } = m.env;
    const processes = [0, 1, 2].map((n) => newProcess(m, `p${n}`, { memlock: posOf(8) }));
    const file = new TestFile(m, 'fsdax', posOf(NR_PAGES));
    const held: Held[] = [];
    const maps: (number | null)[] = [null, null, null];
    await m.run(async (task) => {
      for (const { what, who, page, nr, which } of acts) {
        const process = processes[who]!;
        const { mm } = process;
        // Process 2 has private anonymous memory, the others share the file.
        const source = who === 2 ? null : file;
        const share = who === 2 ? 'private' : 'shared';
        maps[who] ??= await mapFile(task, mm, source, NR_PAGES, { share });
        const addr = maps[who] + posOf(page);
        if (what === 'store') await mm.store(task, addr, bytes(8, which % 256)).catch(() => {});
        if (what === 'load') await mm.load(task, addr, new Uint8Array(8)).catch(() => {});
        if (what === 'punch') await file.mapping.unmapMappingRange(task, page, page + nr);
        if (what === 'munmap') await mm.munmap(task, addr, PAGE_SIZE);
        if (what === 'map') {
          await mm.munmap(task, maps[who], posOf(NR_PAGES));
          maps[who] = null;
        }
        if (what === 'drop' && held.length > 0) held.splice(which % held.length, 1)[0]!.drop();
        if (what === 'get') {
          const out = new Uint32Array(nr);
          const flags = { write: which % 2 === 0, kind: 'get' } as const;
          const taken = await gup(task, mm, addr, nr, flags, out).catch(() => 0);
          const drop = (): void => pages.putPages(out, 0, taken);
          held.push({ pfns: [...out.subarray(0, taken)], drop, pin: false });
        }
        if (what !== 'pin' && what !== 'register') continue;
        const request = {
          mm,
          addr,
          len: posOf(nr),
          access: which % 2 === 0 ? 'write' : 'read',
        } as const;
        const origin = originOf(process);
        const term =
          what === 'pin'
            ? { longterm: false as const }
            : { longterm: true as const, irrevocable: true as const };
        let pins: PinnedPages;
        try {
          if (what === 'register') chargePinned(process, mm, nr);
        } catch (e) {
          t.true(isErrno(e, 'ENOMEM') && mm.pinnedVm + nr > 8);
          continue;
        }
        try {
          pins = await pinUserPages(task, m.env, { ...request, origin, ...term });
        } catch (e) {
          t.true(isErrno(e, 'EFAULT') || isErrno(e, 'EOPNOTSUPP'), String(e));
          if (what === 'register') unchargePinned(mm, nr);
          continue;
        }
        const drop = (): void => {
          pins.unpin();
          if (what === 'register') unchargePinned(mm, nr);
        };
        held.push({ pfns: [...pins.pfns], drop, pin: true });
      }
      const counts = new Map<number, { refs: number; pins: number }>();
      let outstanding = 0;
      for (const { pfns, pin } of held) {
        for (const pfn of pfns) {
          if (pin && pfn === pages.zeroPfn) continue;
          const count = counts.get(pfn) ?? { refs: 0, pins: 0 };
          count.refs++;
          if (pin) {
            count.pins++;
            outstanding++;
          }
          counts.set(pfn, count);
        }
      }
      for (const [pfn, { refs, pins }] of counts) {
        t.is(pages.refs(pfn), refs);
        t.is(pages.pins(pfn), pins);
        t.true(pages.isBusy(pfn));
      }
      t.is(vmstat.pinsOutstanding, outstanding);
      for (const { drop } of held) drop();
      for (const { mm } of processes) await mm.exitMmap(task);
      t.is(file.refs, 0);
      file.drop(0);
    });
    assertBalanced(t, m.env, { mms: m.mms });
  },
  { numRuns: 150 },
);
