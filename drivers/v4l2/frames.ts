// for await (const frame of camera.frames()): a stream of frames on top of the requests.
//
//   REQBUFS, map, QBUF all, STREAMON -> [DQBUF, a turn, QBUF]* -> STREAMOFF, unmap, REQBUFS(0)
//
// The last part runs however the loop ends: break, an exception, the signal, the end of the scene.

import { isErrno } from '../../lib/driver/index.js';
import { checkMethod } from './arguments.js';
import type { V4L2Buffer } from './buffer.js';
import type { VideoClient } from './client.js';
import type { PixFormat } from './formats.js';
import { encodePNG } from './png.js';
import { unpackRGB } from './packing.js';

export interface FramesOptions {
  /** Buffers in flight; 4 if not given. */
  readonly count?: number;
  readonly signal?: AbortSignal;
}

/** One captured frame. Its memory is the camera's again when the loop's turn ends. */
export class Frame {
  readonly format: PixFormat;
  readonly buffer: V4L2Buffer;
  /** Where each plane lies in the application's memory; all in one unless they lie apart. */
  readonly addrs: readonly number[];
  readonly #load: (addr: number, len: number) => Promise<Uint8Array>;

  constructor(
    format: PixFormat,
    buffer: V4L2Buffer,
    addrs: readonly number[],
    load: (addr: number, len: number) => Promise<Uint8Array>,
  ) {
    this.format = format;
    this.buffer = buffer;
    this.addrs = addrs;
    this.#load = load;
  }

  get sequence(): number {
    return this.buffer.sequence;
  }

  get timestampNs(): number {
    return this.buffer.timestampNs;
  }

  /** The hardware or the memory failed while it was made. */
  get failed(): boolean {
    return this.buffer.flags.includes('ERROR');
  }

  get addr(): number {
    return this.addrs[0]!;
  }

  /** A copy of its bytes, one plane after the other. */
  async bytes(): Promise<Uint8Array> {
    const { planes, bytesused } = this.buffer;
    if (planes.length === 0) return this.#load(this.addr, bytesused);
    const all = new Uint8Array(planes.reduce((sum, plane) => sum + plane.bytesused, 0));
    let pos = 0;
    for (const [p, plane] of planes.entries()) {
      all.set(await this.#load(this.addrs[p]!, plane.bytesused), pos);
      pos += plane.bytesused;
    }
    return all;
  }

  /** Three bytes for each pixel. */
  async rgb(): Promise<Uint8Array> {
    return unpackRGB(await this.bytes(), this.format);
  }

  async png(): Promise<Uint8Array> {
    return encodePNG(await this.bytes(), this.format);
  }
}

export async function* frames(
  camera: VideoClient,
  opts: FramesOptions,
): AsyncGenerator<Frame, void, void> {
  checkMethod('frames', opts);
  const { signal } = opts;
  signal?.throwIfAborted();
  const format = await camera.getFormat();
  const { count } = await camera.requestBuffers({ count: opts.count ?? 4, memory: 'MMAP' });
  const { planeSizes } = format;
  const maps: number[][] = [];
  const stop = (): void => void camera.streamOff().catch(() => {}); // the dequeue tells the loop
  signal?.addEventListener('abort', stop);
  try {
    for (let index = 0; index < count; index++) {
      const addrs: number[] = [];
      maps.push(addrs);
      for (const plane of planeSizes.keys()) addrs.push(await camera.mapBuffer(index, { plane }));
      await camera.queueBuffer({ index, planes: planeSizes.map(() => ({})) });
    }
    await camera.streamOn();
    for (;;) {
      const buffer = await next(camera, signal);
      if (buffer === null) return;
      yield new Frame(format, buffer, maps[buffer.index]!, (addr, len) =>
        camera.io.load(addr, len),
      );
      if (signal?.aborted === true) return;
      await camera.queueBuffer({ index: buffer.index, planes: buffer.planes });
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    await camera.streamOff();
    for (const addrs of maps) {
      for (const [p, addr] of addrs.entries()) await camera.io.munmap(addr, planeSizes[p]!);
    }
    await camera.requestBuffers({ count: 0, memory: 'MMAP' });
  }
}

/** The next finished buffer; null when the scene is over or the loop was aborted. */
async function next(camera: VideoClient, signal?: AbortSignal): Promise<V4L2Buffer | null> {
  const aborted = (): boolean => signal?.aborted === true;
  while (!aborted()) {
    try {
      return await camera.dequeueBuffer();
    } catch (e) {
      if (isErrno(e, 'EPIPE') || (aborted() && isErrno(e, 'EINVAL'))) return null;
      if (!isErrno(e, 'EAGAIN')) throw e;
      await camera.poll(); // the file is O_NONBLOCK
    }
  }
  return null;
}
