// v4l2, user pointers: a camera captures into the mapped file, buffer after buffer.

import v4l2 from '../../drivers/v4l2/index.js';
import { KiB } from '../units.js';
import type { Act, Running } from './acts.js';
import { Background, quietly } from './background.js';
import type { Stage } from './stage.js';

/** Two buffers of 320x180 YUYV, each in its own half of the file. */
const format = { width: 320, height: 180, pixelformat: 'YUYV' };
const bufferStride = 128 * KiB;

export const v4l2UserPtr: Act = {
  longterm: true,
  drivers: [v4l2],
  async start({ machine, app, addr }: Stage): Promise<Running> {
    const camera = await app.openDevice('video0');
    const { sizeimage: length } = await camera.setFormat(format);
    await camera.requestBuffers({ count: 2, memory: 'USERPTR' });
    const queue = (index: number) => {
      const userptr = addr + index * bufferStride;
      return camera.queueBuffer({ index, memory: 'USERPTR', userptr, length });
    };
    const free = () => camera.requestBuffers({ count: 0, memory: 'USERPTR' });
    try {
      for (const index of [0, 1]) await queue(index);
      await camera.streamOn();
    } catch (e) {
      await free();
      throw e;
    }
    const capture = new Background(machine.sched, 'capture', async () => {
      const buffer = await camera.dequeueBuffer();
      if (buffer.flags.includes('ERROR')) return false;
      await queue(buffer.index);
      return true;
    });
    return {
      get done() {
        return capture.done;
      },
      get failed() {
        return capture.failed;
      },
      untilBusy: async () => {},
      release: (task) =>
        quietly(async () => {
          capture.stop();
          await camera.streamOff();
          await free();
          await capture.join(task);
        }),
    };
  },
};
