// Goal: with the IOMMU off a stale translation passes, with 'strict' it faults; addresses are new
// each time. Method: the table of iommu.ts, row by row.

import test from 'ava';
import { DmaFault, type DmaDirection, type DmaMapping } from '../../lib/driver/dma.js';
import { Iommu, type IommuMode, pfnAt } from '../../lib/driver/iommu.js';
import { PageOwners } from '../../lib/mm/page.js';

const spec = (dir: DmaDirection = 'bidirectional') => ({
  pfns: Uint32Array.of(40, 41),
  offset: 100,
  len: 5000,
  owners: new PageOwners(2),
  dir,
});

type Row = readonly [
  what: string,
  act: (iommu: Iommu, mapping: DmaMapping) => void,
  off: boolean,
  strict: boolean,
];

const rows: readonly Row[] = [
  ['an access inside a live mapping', (i, m) => i.check(m, 'write', 0, 5000), true, true],
  ['an access past the end', (i, m) => i.check(m, 'read', 4999, 2), false, false],
  ['an access before the start', (i, m) => i.check(m, 'read', -1, 1), false, false],
  [
    'an access through a mapping that is gone',
    (i, m) => {
      i.unmap(m);
      i.check(m, 'write', 0, 1);
    },
    true,
    false,
  ],
  [
    'a write through a to-device mapping',
    (i) => i.check(i.map(spec('to-device')), 'write', 0, 1),
    true,
    false,
  ],
  [
    'a read through a from-device mapping',
    (i) => i.check(i.map(spec('from-device')), 'read', 0, 1),
    true,
    false,
  ],
];

for (const [what, act, off, strict] of rows) {
  for (const [mode, passes] of [
    ['off', off],
    ['strict', strict],
  ] as const) {
    test(`${mode}: ${what} ${passes ? 'passes' : 'faults'}`, (t) => {
      const faults: string[] = [];
      const iommu = new Iommu('dev0', mode as IommuMode, (e) => faults.push(e.why));
      const mapping = iommu.map(spec());
      if (passes) {
        t.notThrows(() => act(iommu, mapping));
        t.deepEqual(faults, []);
      } else {
        t.throws(() => act(iommu, mapping), { instanceOf: DmaFault });
        t.is(faults.length, 1);
      }
    });
  }
}

test('an address is never handed out twice', (t) => {
  const iommu = new Iommu('dev0', 'strict');
  const first = iommu.map(spec());
  iommu.unmap(first);
  const second = iommu.map(spec());
  t.true(second.iova > first.iova + first.len);
  t.is(iommu.nrMappings, 1);
  t.throws(() => iommu.unmap(first), { message: /not live/ });
});

test('a byte of a mapping lies in the page its offset says', (t) => {
  const mapping = new Iommu('dev0', 'off').map(spec());
  t.deepEqual(
    [0, 3995, 3996, 4999].map((pos) => pfnAt(mapping, pos)),
    [40, 40, 41, 41],
  );
});
