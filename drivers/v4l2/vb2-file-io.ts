// read() and write() on a node that streams: videobuf2-core.c's file I/O emulator.
//
//   first read() or poll() -> buffers are requested, queued, streaming starts
//   read()  dequeues a frame, hands it out in pieces, queues the buffer again
//   write() fills a buffer in pieces, queues it when full; dequeues once all were queued
//   close   stops and frees everything; every other buffer request is EBUSY until then
//
// Setting up is synchronous, since MMAP buffers never wait: poll() may do it.

import type { Caller } from '../../lib/driver/index.js';
import type { VB2Buffer, VB2Plane } from './buffer.js';
import { requestBuffers } from './vb2-alloc.js';
import type { VB2Queue } from './vb2-queue.js';

/** The only one: see the constructor. */
const planeOf = (vb: VB2Buffer): VB2Plane => vb.planes[0]!;

export class FileIO {
  readonly #q: VB2Queue;
  /** The buffer in use, its end, and how far it was read or written. null: dequeue one. */
  #vb: VB2Buffer | null = null;
  #pos = 0;
  #end = 0;
  /** write(): buffers not queued yet the first time round. */
  readonly #fresh: VB2Buffer[] = [];

  /**
   * __vb2_init_fileio(): buffers, and for reading the stream, are set up. EBUSY if the queue is
   * in use, EINVAL if it cannot; nothing is left of a refusal.
   */
  constructor(q: VB2Queue) {
    if (q.streaming || q.buffers.size > 0) throw q.refusal('EBUSY', 'buffers are in use');
    this.#q = q;
    q.fileIO = this;
    try {
      requestBuffers(q, 'MMAP', 1);
      const [first] = q.buffers.values();
      if (first!.planes.length > 1) throw q.refusal('EBUSY', 'its buffers have several planes');
      if (q.isOutput) this.#fresh.push(...q.buffers.values());
      else for (const vb of q.buffers.values()) this.#queue(vb, 0);
      q.streamOn(q.type);
    } catch (e) {
      this.#free();
      throw e;
    }
  }

  /** Bytes of the current frame, at most target.length; 0 never. EAGAIN EINTR EIO. */
  async read(caller: Caller, target: Uint8Array, nonblock: boolean): Promise<number> {
    const vb = await this.#current(caller, nonblock);
    const len = Math.min(target.length, this.#end - this.#pos);
    await planeOf(vb).memory?.read(this.#pos, target.subarray(0, len));
    this.#advance(vb, len);
    return len;
  }

  /** Bytes taken into the current frame. EAGAIN EINTR EIO. */
  async write(caller: Caller, source: Uint8Array, nonblock: boolean): Promise<number> {
    const vb = await this.#current(caller, nonblock);
    const len = Math.min(source.length, this.#end - this.#pos);
    await planeOf(vb).memory?.fill(this.#pos, source.subarray(0, len));
    this.#advance(vb, len);
    return len;
  }

  /** Output: write() would not wait. */
  get canWrite(): boolean {
    return this.#vb !== null || this.#fresh.length > 0;
  }

  /** __vb2_cleanup_fileio(). */
  close(): void {
    this.#q.streamOff(this.#q.type);
    this.#free();
  }

  async #current(caller: Caller, nonblock: boolean): Promise<VB2Buffer> {
    if (this.#vb !== null) return this.#vb;
    let vb = this.#fresh.shift();
    if (vb === undefined) {
      const done = await this.#q.dequeue(caller, nonblock);
      vb = this.#q.buffer(done.index);
    }
    this.#vb = vb;
    this.#pos = 0;
    const { length, bytesused } = planeOf(vb);
    this.#end = this.#q.isOutput ? length : bytesused;
    return vb;
  }

  #advance(vb: VB2Buffer, len: number): void {
    this.#pos += len;
    if (this.#pos < this.#end) return;
    this.#vb = null;
    this.#queue(vb, this.#pos);
  }

  #queue(vb: VB2Buffer, bytesused: number): void {
    const plane = planeOf(vb);
    const { length } = plane;
    plane.wanted = { bytesused, dataOffset: 0, length, userptr: 0, dmabuf: null };
    this.#q.queueMmap(vb);
  }

  #free(): void {
    requestBuffers(this.#q, 'MMAP', 0);
    this.#q.fileIO = null;
  }
}
