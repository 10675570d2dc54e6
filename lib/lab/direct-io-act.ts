// direct I/O: reads of another file with O_DIRECT, with the mapping as their buffer. Short pins.

import block, { Disk } from '../../drivers/block/index.js';
import { ms, PAGE_SIZE } from '../units.js';
import type { Act, Running } from './acts.js';
import { diskPath, dmaByte, type Scene } from './scene.js';

const nrPages = 2;
/** What the disk takes before it moves the first byte: the pins last as long. */
const diskNs = ms(5);

export const directIO: Act = {
  pins: 'short',
  revocable: false,
  drivers: [block],
  nrPages,
  shared: true,
  async open({ machine }: Scene, process) {
    const disk = machine.drivers.device('block0').hardware as Disk;
    disk.delayNs = 0;
    const len = nrPages * PAGE_SIZE;
    const fd = await process.open(diskPath, ['rdwr', 'creat']);
    await process.write(fd, 0, new Uint8Array(len).fill(dmaByte));
    await process.fsync(fd);
    await process.close(fd);
    const direct = await process.open(diskPath, ['rdonly', 'direct']);
    return {
      start({ addr }): Promise<Running> {
        disk.delayNs = diskNs;
        return Promise.resolve({
          parts: [],
          pulse: async () => (await process.readDirect(direct, 0, { addr, len })) === len,
          release: () => Promise.resolve(),
        });
      },
    };
  },
};
