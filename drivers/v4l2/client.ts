// The camera or the screen as an application holds it: one method for each request, and frames().
//
// Nothing is kept here that the node does not know too, but for the descriptors of exported
// buffers: a client and bare requests may be used on one file.

import { Errno, type DmaBuf, type NodeIO, type PollEvent } from '../../lib/driver/index.js';
import { checkMethod } from './arguments.js';
import type { BufType, V4L2Buffer, V4L2BufferArg } from './buffer.js';
import type { EventSubscription, VideoEvent } from './events.js';
import type { PixFormat, PixFormatRequest } from './formats.js';
import { frames, type Frame, type FramesOptions } from './frames.js';
import type { CreateBufsArg, CreateBufsRet, ReqbufsArg, ReqbufsRet } from './queue-node.js';
import type {
  ControlValue,
  DeviceCapabilities,
  FormatDescription,
  StreamParm,
  StreamParmRet,
  VideoRequests,
} from './requests.js';
import type { Priority } from './priority.js';

export interface PollRequest {
  /** For ever if not given; 0 only looks. */
  readonly timeoutNs?: number;
  /** What is waited for besides POLLERR. Anything if not given. */
  readonly events?: readonly PollEvent[];
}

/** The calls of an open node that a client makes: system calls of its process. */
export interface VideoIO extends NodeIO<VideoRequests> {
  readonly fd: number;
  install(file: DmaBuf): number;
  uninstall(fd: number): Promise<void>;
  load(addr: number, len: number): Promise<Uint8Array>;
  mmap(req: {
    readonly len: number;
    readonly pos: number;
    readonly prot: 'rw' | 'r' | 'w' | '';
    readonly share: 'shared' | 'private';
  }): Promise<number>;
  munmap(addr: number, len: number): Promise<void>;
  poll(opts: PollRequest): Promise<readonly PollEvent[]>;
  read(len: number): Promise<Uint8Array>;
  write(data: Uint8Array): Promise<number>;
}

export class VideoClient {
  readonly io: VideoIO;
  /** Descriptors of exported buffers. */
  readonly #exported = new Map<DmaBuf, number>();

  constructor(io: VideoIO) {
    this.io = io;
  }

  /** For select() and epoll. */
  get fd(): number {
    return this.io.fd;
  }

  queryCap(): Promise<DeviceCapabilities> {
    return this.io.ioctl('QUERYCAP', undefined);
  }

  enumFormat(index: number): Promise<FormatDescription> {
    return this.io.ioctl('ENUM_FMT', { index });
  }

  getFormat(): Promise<PixFormat> {
    return this.io.ioctl('G_FMT', {});
  }

  tryFormat(want: PixFormatRequest): Promise<PixFormat> {
    return this.io.ioctl('TRY_FMT', want);
  }

  setFormat(want: PixFormatRequest): Promise<PixFormat> {
    return this.io.ioctl('S_FMT', want);
  }

  getParm(): Promise<StreamParmRet> {
    return this.io.ioctl('G_PARM', {});
  }

  setParm(parm: StreamParm): Promise<StreamParmRet> {
    return this.io.ioctl('S_PARM', parm);
  }

  /** Allocate `count` buffers in place of those there are; 0 frees them. */
  requestBuffers(arg: ReqbufsArg): Promise<ReqbufsRet> {
    return this.io.ioctl('REQBUFS', arg);
  }

  createBuffers(arg: CreateBufsArg): Promise<CreateBufsRet> {
    return this.io.ioctl('CREATE_BUFS', arg);
  }

  removeBuffers(index: number, count: number, type?: BufType): Promise<void> {
    return this.io.ioctl('REMOVE_BUFS', { index, count, ...(type !== undefined && { type }) });
  }

  queryBuffer(index: number, type?: BufType): Promise<V4L2Buffer> {
    return this.io.ioctl('QUERYBUF', { index, ...(type !== undefined && { type }) });
  }

  prepareBuffer(arg: V4L2BufferArg): Promise<V4L2Buffer> {
    return this.io.ioctl('PREPARE_BUF', arg);
  }

  queueBuffer(arg: V4L2BufferArg): Promise<V4L2Buffer> {
    return this.io.ioctl('QBUF', arg);
  }

  /** The next finished buffer; sleeps for it unless the file is O_NONBLOCK. */
  dequeueBuffer(type?: BufType): Promise<V4L2Buffer> {
    return this.io.ioctl('DQBUF', type === undefined ? {} : { type });
  }

  /**
   * A dma-buf of an MMAP buffer, behind a descriptor of the application: it lives until
   * closeBuffer(), or the application's end.
   */
  async exportBuffer(index: number, plane = 0): Promise<DmaBuf> {
    const buf = await this.io.ioctl('EXPBUF', { index, plane });
    try {
      this.#exported.set(buf, this.io.install(buf));
    } catch (e) {
      buf.putFile();
      throw e;
    }
    return buf;
  }

  /** close(2) of the descriptor of an exported buffer. EBADF if it is not open. */
  async closeBuffer(buf: DmaBuf): Promise<void> {
    checkMethod('closeBuffer', { buf });
    const fd = this.#exported.get(buf);
    if (fd === undefined) throw new Errno('EBADF', `${buf.label} is not open`);
    this.#exported.delete(buf);
    await this.io.uninstall(fd);
  }

  streamOn(type?: BufType): Promise<void> {
    return this.io.ioctl('STREAMON', type === undefined ? {} : { type });
  }

  streamOff(type?: BufType): Promise<void> {
    return this.io.ioctl('STREAMOFF', type === undefined ? {} : { type });
  }

  getControl(id: string): Promise<ControlValue> {
    return this.io.ioctl('G_CTRL', { id });
  }

  setControl(id: string, value: number): Promise<ControlValue> {
    return this.io.ioctl('S_CTRL', { id, value });
  }

  subscribeEvent(spec: EventSubscription): Promise<void> {
    return this.io.ioctl('SUBSCRIBE_EVENT', spec);
  }

  unsubscribeEvent(spec: EventSubscription): Promise<void> {
    return this.io.ioctl('UNSUBSCRIBE_EVENT', spec);
  }

  dequeueEvent(): Promise<VideoEvent> {
    return this.io.ioctl('DQEVENT', undefined);
  }

  getPriority(): Promise<Priority> {
    return this.io.ioctl('G_PRIORITY', undefined);
  }

  setPriority(priority: Priority): Promise<void> {
    return this.io.ioctl('S_PRIORITY', priority);
  }

  /** Map a whole MMAP buffer, or one plane of it: its address in the application. */
  async mapBuffer(index: number, opts: MapOptions = {}): Promise<number> {
    checkMethod('mapBuffer', opts);
    const { prot = 'rw', share = 'shared', plane = 0 } = opts;
    const b = await this.queryBuffer(index);
    const at = b.planes.length > 0 ? b.planes[plane] : plane === 0 ? b : undefined;
    if (at === undefined) throw new Errno('EINVAL', `mapBuffer: plane: there is no ${plane}`);
    const { offset, length } = at;
    return this.io.mmap({ len: length, pos: offset, prot, share });
  }

  /** What is ready now or within timeoutNs; nothing after that. */
  poll(timeoutNs?: number): Promise<readonly PollEvent[]> {
    return this.io.poll(timeoutNs === undefined ? {} : { timeoutNs });
  }

  read(len: number): Promise<Uint8Array> {
    return this.io.read(len);
  }

  write(data: Uint8Array): Promise<number> {
    return this.io.write(data);
  }

  /**
   * Frames as they come. Each goes back to the camera when its turn of the loop ends; leaving the
   * loop, or aborting signal, stops the stream and frees the buffers.
   */
  frames(opts: FramesOptions = {}): AsyncGenerator<Frame, void, void> {
    return frames(this, opts);
  }

  close(): Promise<void> {
    return this.io.close();
  }
}

export interface MapOptions {
  /** Multi-planar: which; 0 if not given. */
  readonly plane?: number;
  readonly prot?: 'rw' | 'r' | 'w' | '';
  readonly share?: 'shared' | 'private';
}
