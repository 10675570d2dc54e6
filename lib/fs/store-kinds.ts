// Which kind of store a mount has, for code that only makes sense on one of them.

import assert from 'node:assert/strict';
import type { DiskStore } from './disk-store.js';
import type { Mount } from './mount.js';
import type { RamStore } from './ram-store.js';

/** The device under a mount. BUG for tmpfs. */
export function assertDisk(fs: Mount): DiskStore {
  const { disk } = fs;
  if (disk === null) assert.fail(`${fs.label} is on no device`);
  return disk;
}

/** The page account of a tmpfs. BUG for a file system on a device. */
export function assertRam(fs: Mount): RamStore {
  const { ram } = fs;
  if (ram === null) assert.fail(`${fs.label} is not in memory`);
  return ram;
}
