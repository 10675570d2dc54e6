// Goal: the byte source writes what it is told through the mapping it is given.

import test from 'ava';
import { ByteSource } from '../../../drivers/null/byte-source.js';
import type { Bus, DmaMapping } from '../../../lib/driver/index.js';

test('the whole mapping gets the byte', async (t) => {
  const written: { pos: number; bytes: number[] }[] = [];
  const bus = {
    write: (_m: DmaMapping, pos: number, source: Uint8Array) => {
      written.push({ pos, bytes: [...source] });
      return Promise.resolve();
    },
  } as unknown as Bus;
  const source = new ByteSource();
  source.byte = 7;
  await source.fill(bus, { len: 3 } as DmaMapping);
  t.deepEqual(written, [{ pos: 0, bytes: [7, 7, 7] }]);
});
