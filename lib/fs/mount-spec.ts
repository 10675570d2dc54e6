// What mkfs and mount are asked for, checked before anything is touched: EINVAL names the part.

import {
  checkBoolean,
  checkFunction,
  checkInstance,
  checkObject,
  checkWhole,
  checkWord,
  shown,
} from '../arguments.js';
import { Errno } from '../errno.js';
import { DaxDevice } from '../mm/dax-device.js';
import { isAligned } from '../units.js';
import { daxModeOf, daxModes } from './dax-mode.js';
import type { FsEnv } from './fs-env.js';
import type { FileSystemSpec } from './file-system.js';
import type { MkfsOptions } from './mkfs.js';

const MOST = Number.MAX_SAFE_INTEGER;
/** Inode numbers and block numbers are 32 bits on the device. */
const MOST_BLOCKS = 0xffffffff;

/** Whole pages [startPos, startPos + len) of the device. */
export function checkPartition(
  call: string,
  device: DaxDevice,
  startPos: number,
  len: number,
): void {
  checkWhole(call, 'startPos', startPos, 0, MOST);
  checkWhole(call, 'len', len, 1, MOST);
  if (isAligned(startPos) && isAligned(len) && startPos + len <= device.len) return;
  const what = `startPos ${startPos}, len ${len}`;
  throw new Errno('EINVAL', `${call}: ${what}: no partition of ${device.path}`);
}

export function checkMkfs(
  device: DaxDevice,
  spec: { readonly startPos: number; readonly len: number } & MkfsOptions,
): void {
  checkInstance('mkfs', 'device', device, DaxDevice);
  checkObject('mkfs', 'spec', spec);
  const { flavor, nrInodes, journalBlocks, nowNs, rootPerm } = spec;
  checkWord('mkfs', 'flavor', flavor, ['ext4', 'xfs']);
  checkPartition('mkfs', device, spec.startPos, spec.len);
  if (nrInodes !== undefined) checkWhole('mkfs', 'nrInodes', nrInodes, 1, MOST_BLOCKS);
  if (journalBlocks !== undefined) {
    checkWhole('mkfs', 'journalBlocks', journalBlocks, 8, MOST_BLOCKS);
  }
  if (nowNs !== undefined) checkWhole('mkfs', 'nowNs', nowNs, 0, MOST);
  if (rootPerm !== undefined) checkWhole('mkfs', 'rootPerm', rootPerm, 0, 0o7777);
}

/** Of tmpfs the device and its pages are not looked at. */
export function checkMount(env: FsEnv, spec: FileSystemSpec): void {
  checkObject('mount', 'env', env);
  checkObject('mount', 'spec', spec);
  const { device, region, flavor, dax, policy, mountId, readOnly, persistence } = spec;
  checkWord('mount', 'flavor', flavor, ['ext4', 'xfs', 'tmpfs']);
  if (!daxModes.includes(dax)) {
    throw new Errno('EINVAL', `mount: dax: ${shown(dax)} is none of ${daxModes.join(', ')}`);
  }
  checkObject('mount', 'policy', policy);
  checkFunction('mount', 'policy', policy.onBusy);
  checkWhole('mount', 'mountId', mountId, 0, MOST);
  if (readOnly !== undefined) checkBoolean('mount', 'readOnly', readOnly);
  if (persistence !== undefined) {
    checkObject('mount', 'persistence', persistence);
    checkFunction('mount', 'persistence', persistence.flush);
  }
  if (flavor === 'tmpfs') {
    if (daxModeOf(dax) !== 'never') throw new Errno('EINVAL', 'mount: dax: tmpfs has none');
    checkWhole('mount', 'len', spec.len, 1, MOST);
    return;
  }
  checkInstance('mount', 'device', device, DaxDevice);
  checkObject('mount', 'region', region);
  checkWhole('mount', 'region', region!.basePfn, 0, MOST);
  checkPartition('mount', device!, spec.startPos, spec.len);
}
