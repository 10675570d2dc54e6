// One schedule of a cell, for tests: the first, which preempts nobody.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cell, Ending } from '../../lib/lab/cell.js';
import { searchCell } from '../../lib/lab/search-cell.js';
import { policyOf } from '../../lib/lab/user-policy.js';

/** Run fn with the path of a device file that is gone afterwards. */
export async function withDevice<T>(fn: (device: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'leasehold-play-'));
  try {
    return await fn(join(folder, 'pmem.img'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const cellOf = (over: Partial<Cell>): Cell => ({
  policy: 'wait',
  driver: 'rdma-revocable',
  behaviour: 'never-leases',
  operation: 'truncate',
  ...over,
});

/** How the first schedule of the cell ends. */
export const endOf = (over: Partial<Cell>): Promise<Ending> =>
  withDevice(async (device) => {
    const cell = cellOf(over);
    const options = { device, schedules: 1, exhaustive: false };
    return (await searchCell(cell, await policyOf(cell.policy), options)).worst;
  });
