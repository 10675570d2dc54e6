// Goal: the referee judges pages that exist and transfers that are some; what is none is refused
// by name and changes no verdict. Method: every public call, every argument.

import test from 'ava';
import type { DmaEvent } from '../../lib/driver/dma.js';
import type { PageOwner } from '../../lib/mm/page.js';
import { Referee, type Watched } from '../../lib/referee/referee.js';
import { assertBalanced } from '../support/balance.js';
import {
  assertEveryCall,
  badDirectCalls,
  methodsOf,
  noCounts,
  noFunctions,
  noObjects,
  type DirectRow,
} from '../support/direct-calls.js';
import { memoryMachine } from '../support/mm-fixture.js';

const owner: PageOwner = { mount: 1, ino: 2, generation: 1, pgoff: 0 };

test('no call on a referee takes a bad argument, or changes a verdict for one', async (t) => {
  const m = memoryMachine({ ramPages: 64 });
  const { pages } = m.env;
  const watched: Watched = { pages, nowNs: () => 0, nameOf: () => 'x', orphanedBlocks: () => 0 };
  const referee = new Referee(watched);
  const pfn = pages.regions[0]!.basePfn;
  const noPages = [...noCounts, undefined, 0, 2 ** 31];
  const mapping = { pfns: Uint32Array.of(pfn), owners: pages.ownersOf(Uint32Array.of(pfn)) };
  const event = { device: 'x', access: 'write', mapping, pos: 0, len: 8 } as unknown as DmaEvent;
  const dma = referee.driverEvents.dma!;
  const part = (name: string, values: readonly unknown[]): DirectRow => {
    const make = (v: never) => new Referee({ ...watched, [name]: v });
    return { call: 'constructor', arg: name, values, make };
  };
  const rows: DirectRow[] = [
    { call: 'constructor', arg: 'watched', values: noObjects, make: (v) => new Referee(v) },
    part('pages', noObjects),
    part('nowNs', noFunctions),
    part('nameOf', noFunctions),
    part('orphanedBlocks', noFunctions),
    { call: 'blockGiven', arg: 'pfn', values: noPages, make: (v) => referee.blockGiven(v, owner) },
    {
      call: 'blockGiven',
      arg: 'owner',
      values: noObjects,
      make: (v) => referee.blockGiven(pfn, v),
    },
    { call: 'blockLeft', arg: 'pfn', values: noPages, make: (v) => referee.blockLeft(v, owner) },
    { call: 'blockLeft', arg: 'owner', values: noObjects, make: (v) => referee.blockLeft(pfn, v) },
    { call: 'dma', arg: 'event', values: noObjects, make: (v) => dma(v) },
    { call: 'dma', arg: 'mapping', values: noObjects, make: (v) => dma({ ...event, mapping: v }) },
    {
      call: 'dma',
      arg: 'pos',
      values: [undefined, ...noCounts],
      make: (v) => dma({ ...event, pos: v }),
    },
    {
      call: 'dma',
      arg: 'len',
      values: [undefined, ...noCounts],
      make: (v) => dma({ ...event, len: v }),
    },
  ];
  const { problems, inputs } = await badDirectCalls(rows, () => referee.verdict());
  t.deepEqual(problems, []);
  const calls = [
    ...methodsOf(Referee.prototype),
    ...Object.keys(referee.driverEvents),
    'constructor',
  ];
  assertEveryCall(t, calls, rows, ['orphansChanged', 'verdict']);
  t.log(`${calls.length} calls, ${inputs} bad inputs`);
  assertBalanced(t, m.env);
});
