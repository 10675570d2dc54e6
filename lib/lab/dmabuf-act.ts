// v4l2, dma-buf: the camera's buffers are its own memory; the application copies each picture into
// its mapping. No device ever holds a page of the file.

import v4l2 from '../../drivers/v4l2/index.js';
import type { Act, Running } from './acts.js';
import { PAGE_SIZE } from '../units.js';
import { intervalOf } from './v4l2-act.js';

const format = { width: 320, height: 180, pixelformat: 'GREY' };
const nrPages = 2;

export const v4l2DmaBuf: Act = {
  pins: 'none',
  periodic: true,
  revocable: true,
  drivers: [v4l2],
  nrPages,
  shared: false,
  async open(scene, process) {
    const camera = await process.openDevice('video0');
    await camera.setFormat(format);
    await camera.setParm({ timeperframe: intervalOf(scene) });
    return {
      async start({ addr }): Promise<Running> {
        await camera.requestBuffers({ count: 2, memory: 'MMAP' });
        const exported = [await camera.exportBuffer(0), await camera.exportBuffer(1)];
        const at = [await camera.mapBuffer(0), await camera.mapBuffer(1)];
        for (const index of [0, 1]) await camera.queueBuffer({ index, memory: 'MMAP' });
        await camera.streamOn();
        return {
          parts: [camera, ...exported],
          async pulse() {
            const { index, flags } = await camera.dequeueBuffer();
            const picture = await process.load(at[index]!, nrPages * PAGE_SIZE);
            await process.store(addr, picture);
            await camera.queueBuffer({ index, memory: 'MMAP' });
            return !flags.includes('ERROR');
          },
          async release() {
            await camera.streamOff();
            for (const buf of exported) await camera.closeBuffer(buf);
          },
        };
      },
    };
  },
};
