// Combinations that make no sense, each with its reason. Everything else is measured.
//
// Rows are asked in this order; the first that applies says why.

import type { LayoutPolicy } from '../lease/layout.js';
import { actOf } from './acts.js';
import type { Cell } from './cell.js';
import { onPageCache } from './scene.js';

interface Exclusion {
  readonly reason: string;
  applies(cell: Cell, policy: LayoutPolicy): boolean;
}

const isRdma = ({ driver }: Cell): boolean => driver.startsWith('rdma');

const exclusions: readonly Exclusion[] = [
  {
    reason: 'no other policy lets the block device below a mounted file system be mapped',
    applies: ({ driver }, { rules }) => driver === 'rdma-block-device' && !rules.blockMappings,
  },
  {
    reason: 'pins of the file itself are as under lease-required: shown for rdma-pinned alone',
    applies: ({ driver }, { rules }) =>
      !['rdma-block-device', 'rdma-pinned'].includes(driver) && rules.blockMappings === true,
  },
  {
    reason: 'device-dax has no file: nothing to truncate, to sync or to reclaim',
    applies: ({ driver, operation }) => driver === 'device-dax' && operation !== 'exit',
  },
  {
    reason: 'the policy leaves the page cache as linux does: see linux',
    applies: ({ operation, policy: name }, policy) =>
      onPageCache(operation) && policy.pages === undefined && name !== 'linux',
  },
  {
    reason: 'a layout lease on a file in the page cache: no file system grants one',
    applies: (c) => onPageCache(c.operation) && actOf(c.driver).ownLease === true,
  },
  {
    reason: 'pins of the page cache are shown on 6.1, whose rxe has no on-demand paging',
    applies: (c) => onPageCache(c.operation) && c.driver === 'rdma-on-demand',
  },
  {
    reason: 'no lease is broken by fsync or reclaim: the holder is told nothing',
    applies: (c) =>
      onPageCache(c.operation) && !['never-leases', 'exits-device-first'].includes(c.behaviour),
  },
  {
    reason: 'the holder exits before anybody could tell it anything',
    applies: ({ operation, behaviour }) =>
      operation === 'exit' &&
      !['never-leases', 'exits-data-first', 'exits-device-first'].includes(behaviour),
  },
  {
    reason: 'a pin for one transfer is over before its holder could answer',
    applies: ({ driver, behaviour }) =>
      actOf(driver).pins === 'short' &&
      !['never-leases', 'exits-device-first', 'mixture'].includes(behaviour),
  },
  {
    reason: 'nothing is pinned: there is nothing to give back when told',
    applies: ({ driver, behaviour }) =>
      actOf(driver).pins === 'none' &&
      driver !== 'pnfs' &&
      !['never-leases', 'exits-device-first', 'revoked-key'].includes(behaviour),
  },
  {
    reason: 'there is no remote peer',
    applies: (c) => c.behaviour === 'revoked-key' && !isRdma(c),
  },
  {
    reason: 'nobody revokes a key here: its peer is like that of one who ignores SIGIO',
    applies: ({ behaviour, driver }, { promises }) =>
      behaviour === 'revoked-key' &&
      driver !== 'rdma-on-demand' &&
      !['revoked', 'killed'].includes(promises.holder),
  },
  {
    reason: 'the device holds the lease: it cannot be dropped, left out, or lost by a close',
    applies: ({ driver, behaviour }) =>
      actOf(driver).ownLease === true &&
      ['drops-lease', 'never-leases', 'exits-data-first'].includes(behaviour),
  },
  {
    reason: 'the last close is the holder’s own: nobody tells it before',
    applies: ({ operation, behaviour }) =>
      operation === 'unlink' &&
      !['cooperates', 'never-leases', 'exits-data-first', 'exits-device-first'].includes(behaviour),
  },
  {
    reason: 'the mixture is played by those who truncate a file under RDMA or direct I/O',
    applies: (c) =>
      c.behaviour === 'mixture' &&
      (!actOf(c.driver).shared || c.operation !== 'truncate' || actOf(c.driver).ownLease === true),
  },
];

/** Why this cell is not measured; null: it is. */
export function notApplicable(cell: Cell, policy: LayoutPolicy): string | null {
  return exclusions.find((row) => row.applies(cell, policy))?.reason ?? null;
}

/** Every reason there is, for a reader. */
export const reasons: readonly string[] = exclusions.map(({ reason }) => reason);
