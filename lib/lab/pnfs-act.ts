// pnfs: a client of block layouts writes the file's blocks at the storage, past the file system.
// Nothing is pinned; the layout is recalled, and who does not return it is fenced.

import pnfsDriver from '../../drivers/pnfs/index.js';
import type { Act, Running } from './acts.js';
import { dmaByte } from './scene.js';

export const pnfs: Act = {
  pins: 'none',
  revocable: true,
  drivers: [pnfsDriver],
  nrPages: 2,
  shared: true,
  ownLease: true,
  flavor: 'xfs',
  async open(_scene, process) {
    const client = await process.openDevice('pnfs0');
    await client.onRecall('ignore');
    return {
      async start({ fd, len }): Promise<Running> {
        const layout = await client.layoutGet({ fd, pos: 0, len, iomode: 'rw' });
        const bytes = new Uint8Array(len).fill(dmaByte);
        return {
          parts: [client, layout],
          async pulse() {
            await client.write(layout, 0, bytes);
            return true;
          },
          async told() {
            await client.nextRecall();
          },
          release: () => client.layoutReturn(layout),
        };
      },
    };
  },
};
