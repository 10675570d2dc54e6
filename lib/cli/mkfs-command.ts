// leasehold mkfs: an empty file system on an image, which is made if it is not there.

import type { Command } from 'commander';
import { existsSync } from 'node:fs';
import { Errno, isErrno } from '../errno.js';
import { FileSystem } from '../fs/file-system.js';
import { findSuperblock } from '../fs/superblock.js';
import { devicePartition } from '../fs/partition.js';
import { DaxDevice } from '../mm/dax-device.js';
import { parseSize, say } from './image.js';

interface Options {
  readonly size?: string;
  readonly flavor: string;
  readonly force?: boolean;
}

function holdsFileSystem(device: DaxDevice): boolean {
  try {
    findSuperblock(devicePartition(device, 0, device.len));
    return true;
  } catch (e) {
    if (!isErrno(e)) throw e;
    return e.code === 'EUCLEAN';
  }
}

async function run(image: string, { size, flavor, force = false }: Options): Promise<void> {
  if (flavor !== 'ext4' && flavor !== 'xfs') {
    throw new Errno('EINVAL', `mkfs: --flavor ${flavor} is neither ext4 nor xfs`);
  }
  const bytes = size === undefined ? undefined : parseSize(size);
  if (size !== undefined && bytes === undefined) throw new Errno('EINVAL', `mkfs: --size ${size}`);
  const isNew = !existsSync(image);
  if (isNew && bytes === undefined) throw new Errno('EINVAL', `mkfs: ${image} needs a --size`);
  using device = DaxDevice.open(image, bytes === undefined ? {} : { size: bytes, create: true });
  if (!isNew && !force && holdsFileSystem(device)) {
    throw new Errno('EEXIST', `mkfs: ${image} holds a file system; --force makes a new one`);
  }
  await FileSystem.mkfs(device, { flavor, startPos: 0, len: device.len });
  const { values } = findSuperblock(devicePartition(device, 0, device.len));
  const free = values.nrBlocks - 1 - values.dataStart;
  const parts = [`${values.journalBlocks} of them for the log`, `${values.nrInodes} inodes`];
  say(`${image}: ${flavor}, ${values.nrBlocks} blocks, ${parts.join(', ')}, ${free} blocks free`);
}

export function addMkfs(program: Command): void {
  program
    .command('mkfs')
    .description('make an empty file system; the image is made if it is not there')
    .argument('<image>', 'a device file')
    .option('--size <bytes>', 'of a new image: a number with K, M, G or T')
    .option('--flavor <name>', 'ext4 or xfs', 'ext4')
    .option('--force', 'even if there is a file system')
    .action(run);
}
