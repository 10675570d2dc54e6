// A region over another device's buffer (core/umem_dmabuf.c: pinned and revocable, facts 5.6).

import {
  type Device,
  type DmaBuf,
  type DmaBufAttachment,
  type DmaMapping,
  Errno,
  type Task,
} from '../../lib/driver/index.js';
import { isWritable } from './access.js';
import { type Backing, type UseRun } from './memory-key.js';
import type { RegionMemory } from './umem.js';

export interface DmaBufRequest {
  readonly buf: DmaBuf;
  /** Where the region starts in the buffer. */
  readonly offset: number;
  readonly len: number;
  readonly access: number;
  /** The exporter takes the buffer back. */
  revoke(task: Task): Promise<void>;
}

export class DmaBufUmem implements RegionMemory, Backing {
  /** Null, because byte 0 of the region need not be byte 0 of the mapping. */
  readonly mapping = null;
  readonly writable: boolean;
  readonly nrCharged = 0;
  readonly #dev: Device;
  readonly #attachment: DmaBufAttachment;
  readonly #dma: DmaMapping;
  readonly #offset: number;

  /**
   * EINVAL: not inside the buffer; ENODEV: revoked; EOPNOTSUPP: the exporter wants another kind.
   */
  constructor(dev: Device, request: DmaBufRequest) {
    const { buf, offset, len, access } = request;
    if (offset < 0 || len <= 0 || offset + len > buf.len) {
      throw new Errno('EINVAL', `reg_mr: [${offset}, +${len}) of a buffer of ${buf.len} bytes`);
    }
    this.#dev = dev;
    this.#offset = offset;
    this.writable = isWritable(access);
    this.#attachment = dev.attachDmaBuf(buf, { device: dev.name, revoke: request.revoke });
    this.#dma = dev.dmaMap(this.#attachment, this.writable ? 'bidirectional' : 'to-device');
  }

  get backing(): Backing {
    return this;
  }

  access(_task: Task, pos: number, len: number, _write: boolean, use: UseRun): Promise<void> {
    return use(this.#dma, this.#offset + pos, len);
  }

  release(): void {
    this.#dev.dmaUnmap(this.#dma);
    this.#attachment.detach();
  }
}
