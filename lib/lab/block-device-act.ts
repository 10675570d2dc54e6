// rdma, block device: the holder maps the blocks of its file on the device, beside its layout
// lease, and registers that mapping instead of the file's.

import block from '../../drivers/block/index.js';
import rdma from '../../drivers/rdma/index.js';
import type { FileExtent } from '../fs/file-ioctls.js';
import type { Act } from './acts.js';
import { rdmaRevocable } from './rdma-act.js';

export const blockDeviceAct: Act = {
  ...rdmaRevocable,
  drivers: [rdma, block],
  async open(scene, process) {
    const port = await rdmaRevocable.open(scene, process);
    const { fd: device } = await process.openDevice('block0');
    return {
      async start(target) {
        const extents = (await process.ioctl(target.fd, 'FS_IOC_FIEMAP')) as FileExtent[];
        const addr = await process.mmap({ len: target.len, prot: '', share: 'private' });
        for (const { pos, physical, len } of extents) {
          const at = { addr: addr + pos, fixed: true, pos: physical } as const;
          await process.mmap({ fd: device, len, prot: 'rw', share: 'shared', ...at });
        }
        const running = await port.start({ ...target, addr });
        return {
          ...running,
          async release(task) {
            await running.release(task);
            await process.munmap(addr, target.len);
          },
        };
      },
    };
  },
};
