// A partition of plain memory, for tests of what stands on one and needs no machine.

import { devicePartition, type Partition } from '../../lib/fs/partition.js';
import { PAGE_SIZE } from '../../lib/units.js';

export interface MemoryPartition extends Partition {
  readonly bytes: Uint8Array;
}

export function memoryPartition(nrBlocks: number): MemoryPartition {
  const bytes = new Uint8Array(nrBlocks * PAGE_SIZE);
  const device = {
    read: (pos: number, target: Uint8Array) => target.set(bytes.subarray(pos, pos + target.length)),
    write: (pos: number, source: Uint8Array) => bytes.set(source, pos),
    fill: (pos: number, len: number, byte: number) => void bytes.fill(byte, pos, pos + len),
  };
  return { ...devicePartition(device, 0, bytes.length), bytes };
}
