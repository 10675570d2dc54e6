// Goal: the steps of every shipped protocol do what pins do, one after the other; and what is left
// out of the broken ones is left out.

import test from 'ava';
import { threadScenarios } from '../../lib/explore/index.js';
import { FILE_PAGES } from '../../lib/explore/stress-memory.js';
import {
  FREE_STAMP,
  OTHER_STAMP,
  pinOnce,
  type PinProtocol,
  stampOf,
} from '../../lib/explore/stress-protocol.js';
import { stressRig } from './stress-rig.js';

for (const { name, title } of threadScenarios) {
  test(`${name}: a pin counts, an unpin takes it back; a page that is gone takes no pin`, (t) => {
    t.true(title.length > 20);
    using rig = stressRig(name);
    const [a, b] = [rig.protocol(0), rig.protocol(1)];
    const out = new Uint32Array(FILE_PAGES);
    t.is(pinOnce(a, 1, 2, out), 2);
    const [first, second] = out;
    t.not(first, second);
    t.is(pinOnce(b, 1, 1, out), 1);
    t.is(out[0]!, first!);
    t.deepEqual([a.pins(first!), b.pins(second!)], [2, 1]);
    t.is(b.clear(1), first!);
    t.true(b.isBusy(first!));
    t.is(pinOnce(b, 1, 2, out), 0);
    t.is(pinOnce(b, 0, 4, out), 1, 'up to the first that is gone');
    b.unpin(out, 0, 1);
    a.unpin(Uint32Array.of(0, first!, second!), 1, 2);
    t.true(b.isBusy(first!));
    b.unpin(Uint32Array.of(first!), 0, 1);
    t.false(b.isBusy(first!));
    t.deepEqual([a.pins(first!), a.pins(second!)], [0, 0]);
  });

  test(`${name}: an entry emptied between the steps undoes the pin, unless that is broken`, (t) => {
    using rig = stressRig(name);
    const a = rig.protocol(0);
    const out = new Uint32Array(FILE_PAGES);
    t.is(a.raise(a.read(2, 2)), 2);
    const pfn = rig.protocol(2).clear(3);
    t.is(a.recheck(2, 2, out), name === 'threads-missing-recheck' ? 2 : 1);
    t.is(a.pins(pfn), name === 'threads-missing-recheck' ? 1 : 0);
  });
}

test('a protocol with a call of its own is called by it', (t) => {
  const pin = (pgoff: number, nr: number): number => pgoff * 10 + nr;
  t.is(pinOnce({ pin } as unknown as PinProtocol, 3, 2, new Uint32Array(2)), 32);
});

test('stamps tell owners apart', (t) => {
  const stamps = [
    FREE_STAMP,
    OTHER_STAMP,
    ...Array.from({ length: FILE_PAGES }, (_, i) => stampOf(i)),
  ];
  t.is(new Set(stamps).size, FILE_PAGES + 2);
});
