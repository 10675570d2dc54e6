// device-dax: persistent memory without a file system, registered for RDMA for as long as one
// likes.

import deviceDaxDriver from '../../drivers/device-dax/index.js';
import rdma from '../../drivers/rdma/index.js';
import { KiB } from '../units.js';
import type { Act } from './acts.js';
import { rdmaRevocable } from './rdma-act.js';

export const deviceDax: Act = {
  ...rdmaRevocable,
  drivers: [rdma, deviceDaxDriver],
  deviceDax: { size: 64 * KiB },
  async open(scene, process) {
    const port = await rdmaRevocable.open(scene, process);
    const { fd } = await process.openDevice('dax0.0');
    return {
      async start(target) {
        const { len } = target;
        const addr = await process.mmap({ fd, len, prot: 'rw', share: 'shared' });
        return port.start({ ...target, addr });
      },
    };
  },
};
