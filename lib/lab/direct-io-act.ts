// direct I/O: reads of another file with O_DIRECT, with the mapping as their buffer. Short pins.

import block, { Disk } from '../../drivers/block/index.js';
import { KiB, ms } from '../units.js';
import type { Act, Running } from './acts.js';
import { Background } from './background.js';
import { diskPath, dmaByte, type Stage } from './stage.js';

const readLen = 64 * KiB;
/** What the disk takes before it moves the first byte: the pins last as long. */
const diskNs = ms(5);

export const directIO: Act = {
  longterm: false,
  drivers: [block],
  async start(stage: Stage): Promise<Running> {
    const { machine, app, addr } = stage;
    const fd = await app.open(diskPath, ['rdwr', 'creat']);
    await app.write(fd, 0, new Uint8Array(readLen).fill(dmaByte));
    await app.fsync(fd);
    await app.close(fd);
    const direct = await app.open(diskPath, ['rdonly', 'direct']);
    (machine.drivers.device('block0').hardware as Disk).delayNs = diskNs;
    const reads = new Background(
      machine.sched,
      'direct reads',
      async () => (await app.readDirect(direct, 0, { addr, len: readLen })) === readLen,
    );
    return {
      get done() {
        return reads.done;
      },
      get failed() {
        return reads.failed;
      },
      untilBusy: () => machine.sched.runFor(diskNs / 2),
      release: async (task) => {
        reads.stop();
        await reads.join(task);
      },
    };
  },
};
