// Goal: a pinner parks when it is told to, holding what it says it holds, and leaves with nothing.
// Method: its run() in this thread, told by a protocol that moves the phase after so many pins.

import test from 'ava';
import { FILE_PAGES } from '../../lib/explore/stress-memory.js';
import { Pinner } from '../../lib/explore/stress-pinner.js';
import type { PinProtocol } from '../../lib/explore/stress-protocol.js';
import { workDone } from '../../lib/explore/stress-referee.js';
import { stressRig } from './stress-rig.js';

test('it pins, keeps some, publishes, and gives all back when the test ends', (t) => {
  using rig = stressRig();
  const { memory } = rig;
  const real = rig.protocol(0);
  let calls = 0;
  const held: number[] = [];
  /** Unpins one by one; after many pins the test ends, without a quiet moment between. */
  class Ending implements PinProtocol {
    read = real.read.bind(real);
    raise = real.raise.bind(real);
    clear = real.clear.bind(real);
    isBusy = real.isBusy.bind(real);
    pins = real.pins.bind(real);
    recheck(pgoff: number, nr: number, out: Uint32Array): number {
      if (++calls === 5000) {
        held.push(...rig.truncater.pool.map(({ pfn }) => real.pins(pfn)));
        memory.end();
        memory.phase.add(2);
      }
      return real.recheck(pgoff, nr, out);
    }
    unpin(out: Uint32Array, from: number, nr: number): void {
      t.true(nr <= FILE_PAGES && from === 0);
      real.unpin(out, from, nr);
    }
  }
  memory.phase.store(1);
  new Pinner(memory, new Ending(), 0, 1).run();
  t.is(memory.parked.load(), 1);
  const { pins, transfers } = workDone(memory);
  t.true(pins >= 5000 && transfers > pins, `${pins} pins, ${transfers} transfers`);
  const kept = held.reduce((sum, nr) => sum + nr, 0);
  t.true(kept >= 4, `${kept} pins were kept for long`);
  t.deepEqual(rig.judged(), []);
  rig.truncater.end();
  rig.referee.judgeEnd(rig.truncater);
  t.deepEqual(rig.referee.failures, []);
});

test('a device that finds its page with another owner says so', (t) => {
  using rig = stressRig();
  const { memory } = rig;
  const real = rig.protocol(0);
  /** As if truncate had missed the first pin. */
  class Missing implements PinProtocol {
    read = real.read.bind(real);
    raise = real.raise.bind(real);
    clear = real.clear.bind(real);
    isBusy = real.isBusy.bind(real);
    pins = real.pins.bind(real);
    unpin = real.unpin.bind(real);
    recheck(pgoff: number, nr: number, out: Uint32Array): number {
      const kept = real.recheck(pgoff, nr, out);
      if (!memory.ending) {
        memory.giveToOther(out[0]!);
        memory.end();
        memory.phase.add(2);
      }
      return kept;
    }
  }
  memory.phase.store(1);
  new Pinner(memory, new Missing(), 0, 1).run();
  t.true(rig.judged().includes('DMA lands in the page that it was pinned for'));
});
