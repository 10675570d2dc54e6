// Goal: the judge of a stress test sees each thing that can be wrong. Method: do it by hand.

import test from 'ava';
import { stressInvariants } from '../../lib/explore/index.js';
import { FILE_PAGES } from '../../lib/explore/stress-memory.js';
import { pinOnce, stampOf } from '../../lib/explore/stress-protocol.js';
import { workDone } from '../../lib/explore/stress-referee.js';
import { stressRig } from './stress-rig.js';

const once = (truncater: { run(goOn: () => boolean): void }) => truncater.run(() => false);

test('nothing is found in what nobody broke, held pins or not', (t) => {
  using rig = stressRig();
  const { memory, truncater, protocol, referee } = rig;
  t.deepEqual(rig.judged(), []);
  const pins = protocol(0);
  const out = new Uint32Array(FILE_PAGES);
  t.is(pinOnce(pins, 1, 2, out), 2);
  for (const pfn of out.subarray(0, 2)) memory.blocks[0]!.held[memory.indexOf(pfn)] = 1;
  once(truncater);
  t.deepEqual(rig.judged(), []);
  pins.unpin(out, 0, 2);
  memory.blocks[0]!.held.fill(0);
  truncater.end();
  referee.judgeEnd(truncater);
  t.deepEqual(referee.failures, []);
});

test('a pin that no thread holds, and one that is held and not counted, are found', (t) => {
  using rig = stressRig();
  const out = new Uint32Array(FILE_PAGES);
  pinOnce(rig.protocol(0), 0, 1, out);
  t.deepEqual(rig.judged(), [stressInvariants.counted]);
  rig.protocol(0).unpin(out, 0, 1);
  t.deepEqual(rig.judged(), []);
  rig.memory.blocks[1]!.held[rig.memory.indexOf(out[0]!)] = 1;
  t.deepEqual(rig.judged(), [stressInvariants.counted]);
});

test('a page that is free, or another file\u2019s, and held is found', (t) => {
  using rig = stressRig();
  const { pool } = rig.truncater;
  for (const state of ['FREE', 'OTHER'] as const) {
    const page = pool.find((p) => p.state === state) ?? pool.find((p) => p.state === 'FILE')!;
    const list = Uint32Array.of(page.pfn);
    rig.memory.pages.native.pinList(list, 0, 1);
    rig.memory.blocks[0]!.held[rig.memory.indexOf(page.pfn)] = 1;
    page.state = state;
    rig.memory.fill(page.pfn, rig.truncater.stampOf(page));
    t.deepEqual(rig.judged(), [stressInvariants.freed]);
    rig.memory.pages.native.unpinList(list, 0, 1);
    rig.memory.blocks[0]!.held.fill(0);
  }
});

test('bytes of another owner are found, and so is a device that noticed', (t) => {
  using rig = stressRig();
  const page = rig.truncater.pool.find(({ state }) => state === 'FREE')!;
  rig.memory.transfer(page.pfn, 3, stampOf(2));
  t.deepEqual(rig.judged(), [stressInvariants.bytes]);
  t.regex(rig.strays[0]!, /0x1002 .*free/);
  t.deepEqual(rig.judged(), [], 'said once');
  const { tallies } = rig.memory.blocks[1]!;
  tallies.set([7, 9, 2, page.pfn, 3]);
  t.deepEqual(rig.judged(), [stressInvariants.landing]);
  t.regex(rig.referee.failures.at(-1)!.detail, /thread 1, 2 times .*page 3 of the file/);
  t.deepEqual(rig.judged(), [], 'no more than before');
  t.deepEqual(workDone(rig.memory), { pins: 7, transfers: 9 });
});

test('a summary or a tally that is not the sum of the counters is found', (t) => {
  using rig = stressRig();
  const { buffer, summaryPos, talliesPos } = rig.memory.parts.place;
  for (const pos of [summaryPos, talliesPos!]) {
    const word = new BigUint64Array(buffer, pos, 1);
    Atomics.add(word, 0, 1n);
    t.deepEqual(rig.judged(), [stressInvariants.summed]);
    Atomics.sub(word, 0, 1n);
    t.deepEqual(rig.judged(), []);
  }
});

test('a page that did not come back at the end is found', (t) => {
  using rig = stressRig();
  const { truncater, referee, protocol, memory } = rig;
  const out = new Uint32Array(FILE_PAGES);
  pinOnce(protocol(0), 0, 1, out);
  memory.blocks[0]!.held[memory.indexOf(out[0]!)] = 1;
  truncater.end();
  referee.judgeEnd(truncater);
  t.deepEqual(
    referee.failures.map(({ invariant }) => invariant),
    [stressInvariants.balance],
  );
});
