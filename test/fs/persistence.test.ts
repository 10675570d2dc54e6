// Goal: what is asked to last is flushed, whole, in few calls.

import test from 'ava';
import { devicePersistence, flushRuns, noPersistence } from '../../lib/fs/persistence.js';
import { DaxDevice } from '../../lib/mm/dax-device.js';
import { MiB } from '../../lib/units.js';

function flushed(blocks: readonly number[]): [number, number][] {
  const seen: [number, number][] = [];
  const persistence = { flush: (pos: number, len: number) => void seen.push([pos, len]) };
  flushRuns(
    persistence,
    blocks.map((block) => ({ block, nrBlocks: 2 })),
  );
  return seen;
}

test('runs that touch are one flush, others are their own', (t) => {
  t.deepEqual(flushed([7, 1, 3]), [
    [4096, 4 * 4096],
    [7 * 4096, 2 * 4096],
  ]);
  t.deepEqual(flushed([]), []);
});

test('very many runs are one flush over all of them', (t) => {
  const blocks = Array.from({ length: 100 }, (_, i) => i * 3);
  t.deepEqual(flushed(blocks), [[0, (99 * 3 + 2) * 4096]]);
});

test('a partition of a device is flushed where it lies', (t) => {
  using device = DaxDevice.memory(MiB);
  const seen: number[] = [];
  device.flush = (pos) => void seen.push(pos);
  devicePersistence(device, 4096).flush(100, 1);
  noPersistence.flush(0, 1);
  t.deepEqual(seen, [4196]);
});
