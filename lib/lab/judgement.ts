// Judgement: an ending held against what the policy promises (facts 11, policy/promises).

import type { HangingOp, LayoutPolicy, Promises } from '../lease/layout.js';
import { actOf } from './acts.js';
import { behaviours } from './behaviour.js';
import type { Cell, Ending, OperationName } from './cell.js';
import { onPageCache } from './scene.js';

/** What may befall the holder under each promise, besides nothing. */
const mayBefall: Readonly<Record<Promises['holder'], readonly string[]>> = {
  untouched: [],
  signalled: ['lost pins'],
  revoked: ['lost pins'],
  killed: ['lost pins', 'SIGBUS', 'SIGKILL'],
};

/** The promise that names the operation, where one does. */
const hangs: Readonly<Record<OperationName, HangingOp | null>> = {
  truncate: 'truncate',
  punch: 'punch',
  unlink: 'evict',
  fsync: 'fsync',
  reclaim: 'reclaim',
  exit: 'evict',
};

/** What a policy may refuse: the pins themselves. */
function refusal(cell: Cell, policy: LayoutPolicy, pin: string): string[] {
  const { pins, revocable, ownLease } = actOf(cell.driver);
  const { promises } = policy;
  if (onPageCache(cell.operation)) return pin === 'granted' ? [] : [`the pin was refused: ${pin}`];
  // Once somebody has sealed the file nobody opens it for writing any more: EPERM (mixture).
  if (promises.lease === 'SEAL' && pin === 'granted+EPERM') return [];
  if (cell.driver === 'device-dax' || pins !== 'longterm') {
    return pin === 'granted' ? [] : [`DMA was refused: ${pin}`];
  }
  if (promises.longtermPin === 'refused') {
    return pin === 'granted' ? ['a long-term pin was granted'] : [];
  }
  if (pin.includes('granted')) return [];
  const noLease = !behaviours[cell.behaviour].leases || ownLease === true;
  // Without a MAP_DIRECT mapping the driver finds no lease_direct(): EOPNOTSUPP (facts 9.1).
  // Without a lease the block device gives a SIGBUS to its mapping, which a pin knows as EFAULT.
  const withoutLease = cell.driver === 'rdma-block-device' ? 'EFAULT' : 'EPERM';
  const noLeaseErrno = promises.lease === 'MAP_DIRECT' ? 'EOPNOTSUPP' : withoutLease;
  if (pin === noLeaseErrno && promises.longtermPin === 'needs-lease' && noLease) return [];
  if (pin === 'EOPNOTSUPP' && !revocable) return [];
  return [`the pin was refused: ${pin}`];
}

function holderFate(cell: Cell, { promises }: LayoutPolicy, e: Ending): string[] {
  if (cell.operation === 'exit') return [];
  const allowed = [...mayBefall[promises.holder], 'running', 'exited', ''];
  // A copy by the CPU to where the file, or the mapping, no longer is: no matter of DMA.
  if (cell.driver === 'v4l2-dmabuf') allowed.push('SIGBUS', 'SIGSEGV');
  return e.holder
    .split('+')
    .filter((fate) => !allowed.includes(fate))
    .map((fate) => `the holder was to be ${promises.holder}, but: ${fate}`);
}

/** What fsync left on the device. */
function onDevice({ promises }: LayoutPolicy, e: Ending): string[] {
  const found: string[] = [];
  if (promises.snapshot === 'whole') {
    if (e.tornPages > 0) found.push(`${e.tornPages} pages on the device are of no moment`);
    if (e.latePages > 0)
      found.push(`${e.latePages} pages were clean though a device wrote to them`);
  }
  if (e.lostPages > 0) found.push(`the last bytes of ${e.lostPages} pages never got to the device`);
  return found;
}

const mayEvictHang = ({ mayHang }: Promises): boolean => mayHang.includes('evict');

/** Each promise that this ending breaks, as a sentence; none if it is as promised. */
export function breaches(cell: Cell, policy: LayoutPolicy, e: Ending): string[] {
  const found: string[] = [];
  const { promises } = policy;
  const hurt = e.stray.length > 0 || e.corruptedBytes > 0;
  if (hurt && promises.stray === 'never') found.push('bytes of DMA landed in another file');
  found.push(...refusal(cell, policy, e.pin), ...holderFate(cell, policy, e));
  found.push(...onDevice(policy, e));
  const { end } = e.outcome;
  const op = hangs[cell.operation];
  if (end === 'hung' && (op === null || !promises.mayHang.includes(op))) {
    found.push(`${cell.operation} never ended`);
  }
  const mayFail: readonly string[] = promises.truncateFails;
  if (end !== 'ok' && end !== 'hung' && !mayFail.includes(end)) {
    found.push(`${cell.operation} failed: ${end}`);
  }
  if (e.holderStuck.includes('F_UNLCK') && !promises.mayHang.includes('unlock')) {
    found.push('the holder could not give up its lease');
  }
  // The device behind the file among its descriptors: the eviction waits for pins of its own exit.
  if (e.holderStuck.includes('exit') && !(cell.operation === 'unlink' && mayEvictHang(promises))) {
    found.push('the holder could not exit');
  }
  const holds = actOf(cell.driver).pins === 'longterm' && cell.driver !== 'device-dax';
  if (promises.leaseOutlivesPin && holds && e.first === 'lease') {
    found.push('a lease ended before its pins');
  }
  if (e.leaked > 0) found.push(`${e.leaked} blocks never came back`);
  return found;
}

/**
 * Whether fsync has to be caught at writing a mixture: nothing prevents it where a peer writes to
 * pages in the moment in which they go out.
 */
export function mustTear(cell: Cell, policy: LayoutPolicy): boolean {
  const { pins } = actOf(cell.driver);
  const { exits } = behaviours[cell.behaviour];
  const written = pins === 'longterm' && cell.driver.startsWith('rdma') && exits === null;
  return policy.promises.snapshot === 'torn' && cell.operation === 'fsync' && written;
}

/** Whether a policy that prevents nothing has to be caught at it here: the negative control. */
export function mustStray(cell: Cell, policy: LayoutPolicy): boolean {
  const { pins, ownLease } = actOf(cell.driver);
  const takesBlocks = cell.operation === 'truncate' || cell.operation === 'punch';
  const { whenTold, exits, dropsLease } = behaviours[cell.behaviour];
  const keeps = whenTold === 'nothing' && exits === null && !dropsLease && ownLease !== true;
  const holds = pins !== 'none' && cell.driver !== 'device-dax';
  return policy.promises.stray === 'expected' && holds && takesBlocks && keeps;
}
