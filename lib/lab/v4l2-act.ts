// v4l2, user pointers: a camera captures into the mapped file, buffer after buffer.

import v4l2 from '../../drivers/v4l2/index.js';
import { nsToMs, pagesFor, posOf } from '../units.js';
import type { Act, Running } from './acts.js';
import type { Scene } from './scene.js';

/** Two buffers, each in its own half of the file. The camera has no smaller picture. */
const format = { width: 320, height: 180, pixelformat: 'GREY' };
const nrBufferPages = pagesFor(format.width * format.height);
/** The camera's clock ticks for as long as it streams, one frame each period. */
export const intervalOf = ({ periodNs }: Scene): Interval => ({
  numerator: nsToMs(periodNs),
  denominator: 1000,
});

interface Interval {
  readonly numerator: number;
  readonly denominator: number;
}

export const v4l2UserPtr: Act = {
  pins: 'longterm',
  revocable: true,
  drivers: [v4l2],
  nrPages: 2 * nrBufferPages,
  periodic: true,
  shared: false,
  async open(scene, process) {
    const camera = await process.openDevice('video0');
    const { sizeimage: length } = await camera.setFormat(format);
    await camera.setParm({ timeperframe: intervalOf(scene) });
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
