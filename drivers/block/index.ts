// block: the engine under O_DIRECT and writeback. It is asked by the file system, through the
// interface that the file system declares (lib/fs/direct-io.ts: BlockEngine), which it fits by
// shape.
//
// The pages are the file system's: it holds them from before transfer() until it has returned,
// and the driver only lets its hardware reach them meanwhile. EIO is all it ever refuses with.

import {
  defineDriver,
  type Device,
  DmaFault,
  Errno,
  type FileOperations,
  type Task,
} from '../../lib/driver/index.js';
import { Disk } from './disk.js';

export interface BlockTransfer {
  readonly dir: 'read' | 'write';
  readonly devicePfns: Uint32Array;
  readonly devicePos: number;
  readonly memoryPfns: Uint32Array;
  readonly memoryPos: number;
  readonly len: number;
}

export type BlockRequests = {
  STATS: { arg: Record<string, never>; ret: Readonly<Disk['counters']> };
};

export class BlockDevice {
  readonly #dev: Device<Disk>;

  constructor(dev: Device<Disk>) {
    this.#dev = dev;
  }

  /** Move blocks; resolves when the hardware is done with the pages. EIO. */
  async transfer(task: Task, io: BlockTransfer): Promise<void> {
    const dev = this.#dev;
    const { dir, len } = io;
    const read = dir === 'read';
    const memory = dev.dmaMap(
      { borrowed: io.memoryPfns, pos: io.memoryPos, len },
      read ? 'from-device' : 'to-device',
    );
    const media = dev.dmaMap(
      { borrowed: io.devicePfns, pos: io.devicePos, len },
      read ? 'to-device' : 'from-device',
    );
    try {
      const outcome = await dev.hardware.execute(task, { dir, media, memory, len });
      if (outcome === 'error') throw new Errno('EIO', `${dev.name}: ${dir} of ${len} bytes failed`);
    } catch (e) {
      if (e instanceof DmaFault) throw new Errno('EIO', `${dev.name}: ${e.message}`, { cause: e });
      throw e;
    } finally {
      dev.dmaUnmap(media);
      dev.dmaUnmap(memory);
    }
  }
}

const nodeOps = (dev: Device<Disk>): FileOperations<void, BlockRequests> => ({
  ioctls: { STATS: () => ({ ...dev.hardware.counters }) },
  /** Of a DAX device, in place of a page cache: lib/fs/block-mapping.ts says who may. ENODEV. */
  mmap(_handle, vma) {
    const { vmOps } = dev.hardware;
    if (vmOps === null) throw new Errno('ENODEV', `mmap: ${dev.name} cannot be mapped`);
    if (!vma.shared) throw new Errno('EINVAL', `mmap: ${dev.name} has no private mappings`);
    vma.ops = vmOps;
  },
  open() {},
  release() {},
});

export default defineDriver({
  name: 'block',
  apiVersion: 1,
  idTable: [{ compatible: 'emul,disk' }],
  emulate: ({ blockDeviceOps }) => new Disk(blockDeviceOps ?? null),
  probe(dev: Device<Disk>) {
    dev.hardware.attach(dev.sched, dev.bus);
    dev.addNode(dev.name, nodeOps(dev));
    return new BlockDevice(dev);
  },
});

export { Disk };
