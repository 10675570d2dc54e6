// A view of a partition that keeps what is written to it in memory: a check may recover and repair,
// and the device stays as it is.

import { BLOCK_SIZE } from './format.js';
import type { Partition } from './partition.js';

export function overlayPartition(under: Partition): Partition {
  const changed = new Map<number, Uint8Array>();
  const block = (at: number): Uint8Array => {
    const known = changed.get(at) ?? under.read(at, 0, BLOCK_SIZE);
    changed.set(at, known);
    return known;
  };
  const readInto = (at: number, offset: number, target: Uint8Array): void => {
    under.readInto(at, offset, target);
    const to = offset + target.length;
    const end = Math.ceil(to / BLOCK_SIZE);
    for (let i = Math.floor(offset / BLOCK_SIZE); i < end; i++) {
      const bytes = changed.get(at + i);
      if (bytes === undefined) continue;
      const from = Math.max(offset, i * BLOCK_SIZE);
      const until = Math.min(to, (i + 1) * BLOCK_SIZE);
      target.set(bytes.subarray(from - i * BLOCK_SIZE, until - i * BLOCK_SIZE), from - offset);
    }
  };
  return {
    nrBlocks: under.nrBlocks,
    pfnOf: (at) => under.pfnOf(at),
    blockOf: (pfn) => under.blockOf(pfn),
    read(at, offset, len) {
      const out = new Uint8Array(len);
      readInto(at, offset, out);
      return out;
    },
    readInto,
    write(at, offset, bytes) {
      for (let done = 0; done < bytes.length;) {
        const pos = offset + done;
        const part = bytes.subarray(done, done + BLOCK_SIZE - (pos % BLOCK_SIZE));
        block(at + Math.floor(pos / BLOCK_SIZE)).set(part, pos % BLOCK_SIZE);
        done += part.length;
      }
    },
    zero(at, nrBlocks) {
      for (let i = 0; i < nrBlocks; i++) changed.set(at + i, new Uint8Array(BLOCK_SIZE));
    },
  };
}
