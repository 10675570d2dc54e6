// dma-buf: a file that stands for a device's pages, so that another device can import them.
//
//   exportDmaBuf -> VALID --invalidate()--> REVOKED      (both until the last reference)
//
// An importer that can let go says so by `revoke`; invalidate() calls each one once and waits.
// Mapping a revoked buffer is ENODEV, and an importer without revoke may be refused by the
// exporter (drivers/dma-buf/dma-buf.c: dma_buf_attach_revocable, dma_buf_invalidate_mappings).

import assert from 'node:assert/strict';
import { Errno } from '../errno.js';
import type { AddressSpace } from '../mm/address-space.js';
import type { VmFile } from '../mm/vma.js';
import type { Task } from '../sched/task.js';
import type { PageBlock } from './page-block.js';

export interface DmaBufImporter {
  readonly device: string;
  /** Stop using the pages; resolved when no access can happen any more. Called at most once. */
  revoke?(task: Task): Promise<void>;
}

export interface DmaBufOptions {
  /** Refuse importers that cannot let go: EOPNOTSUPP. */
  readonly revocableOnly?: boolean;
}

export class DmaBufAttachment {
  readonly buf: DmaBuf;
  readonly importer: DmaBufImporter;
  readonly #onDetach: (attachment: DmaBufAttachment) => void;
  #attached = true;

  constructor(
    buf: DmaBuf,
    importer: DmaBufImporter,
    onDetach: (attachment: DmaBufAttachment) => void,
  ) {
    this.buf = buf;
    this.importer = importer;
    this.#onDetach = onDetach;
  }

  get attached(): boolean {
    return this.#attached;
  }

  /** The pages, for dmaMap(). ENODEV once the exporter took them back. */
  get pfns(): Uint32Array {
    if (this.buf.revoked) throw new Errno('ENODEV', `${this.buf.label}: the exporter revoked it`);
    return this.buf.block.pfns;
  }

  get len(): number {
    return this.buf.len;
  }

  detach(): void {
    assert(this.#attached, `${this.buf.label}: detached twice`);
    this.#attached = false;
    this.buf.forget(this);
    this.#onDetach(this);
    this.buf.block.put();
  }
}

export class DmaBuf implements VmFile {
  readonly mapping: AddressSpace | null = null;
  readonly writable = true;
  readonly label: string;
  readonly block: PageBlock;
  readonly #attachments = new Set<DmaBufAttachment>();
  readonly #revocableOnly: boolean;
  readonly #onRelease: (buf: DmaBuf) => void;
  #refs = 1;
  #revoked = false;

  constructor(
    label: string,
    block: PageBlock,
    onRelease: (buf: DmaBuf) => void,
    opts: DmaBufOptions = {},
  ) {
    this.label = label;
    this.block = block;
    this.#onRelease = onRelease;
    this.#revocableOnly = opts.revocableOnly === true;
    block.get();
  }

  get len(): number {
    return this.block.len;
  }

  get revoked(): boolean {
    return this.#revoked;
  }

  /** No descriptor and no mapping has it any more: nothing can be attached to it. */
  get closed(): boolean {
    return this.#refs === 0;
  }

  get nrAttachments(): number {
    return this.#attachments.size;
  }

  getFile(): void {
    assert(this.#refs > 0, `${this.label}: get of a closed file`);
    this.#refs++;
  }

  /** The last reference drops the pages; importers that are still attached keep them. */
  putFile(): void {
    assert(this.#refs > 0, `${this.label}: put of a closed file`);
    if (--this.#refs > 0) return;
    this.#onRelease(this);
    this.block.put();
  }

  /**
   * EBADF once closed, ENODEV after revocation, EOPNOTSUPP if the exporter wants importers that
   * can let go.
   */
  attach(
    importer: DmaBufImporter,
    onDetach: (attachment: DmaBufAttachment) => void,
  ): DmaBufAttachment {
    if (this.closed) throw new Errno('EBADF', `${this.label}: its descriptor is closed`);
    if (this.#revoked) throw new Errno('ENODEV', `${this.label}: the exporter revoked it`);
    if (this.#revocableOnly && importer.revoke === undefined) {
      throw new Errno('EOPNOTSUPP', `${this.label}: ${importer.device} cannot let go of it`);
    }
    const attachment = new DmaBufAttachment(this, importer, onDetach);
    this.#attachments.add(attachment);
    this.block.get();
    return attachment;
  }

  /** Take the pages back: no new maps, then every importer lets go. Twice is harmless. */
  async invalidate(task: Task): Promise<void> {
    if (this.#revoked) return;
    this.#revoked = true;
    for (const attachment of [...this.#attachments]) await attachment.importer.revoke?.(task);
  }

  /** For DmaBufAttachment only. */
  forget(attachment: DmaBufAttachment): void {
    this.#attachments.delete(attachment);
  }
}
