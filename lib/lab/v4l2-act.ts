// v4l2, user pointers: a camera captures into the mapped file, buffer after buffer.

import v4l2 from '../../drivers/v4l2/index.js';
import { pagesFor, posOf, seconds } from '../units.js';
import type { Act, Running } from './acts.js';

/** Two buffers, each in its own half of the file. The camera has no smaller picture. */
const format = { width: 320, height: 180, pixelformat: 'GREY' };
const nrBufferPages = pagesFor(format.width * format.height);
/** As slow as the camera goes: its clock ticks for as long as it streams. */
const interval = { numerator: 1, denominator: 1 };

export const v4l2UserPtr: Act = {
  pins: 'longterm',
  revocable: true,
  drivers: [v4l2],
  nrPages: 2 * nrBufferPages,
  firstNs: seconds(1),
  shared: false,
  async open(_scene, process) {
    const camera = await process.openDevice('video0');
    const { sizeimage: length } = await camera.setFormat(format);
    await camera.setParm({ timeperframe: interval });
    const free = () => camera.requestBuffers({ count: 0, memory: 'USERPTR' });
    return {
      async start({ addr }): Promise<Running> {
        await camera.requestBuffers({ count: 2, memory: 'USERPTR' });
        const queue = (index: number) => {
          const userptr = addr + posOf(index * nrBufferPages);
          return camera.queueBuffer({ index, memory: 'USERPTR', userptr, length });
        };
        try {
          for (const index of [0, 1]) await queue(index);
          await camera.streamOn();
        } catch (e) {
          await free();
          throw e;
        }
        return {
          parts: [camera],
          async pulse() {
            const buffer = await camera.dequeueBuffer();
            if (buffer.flags.includes('ERROR')) return false;
            await queue(buffer.index);
            return true;
          },
          async release() {
            await camera.streamOff();
            await free();
          },
        };
      },
    };
  },
};
