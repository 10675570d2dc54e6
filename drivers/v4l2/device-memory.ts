// The three kinds of buffer memory on a Device: videobuf2-vmalloc.c, frame_vector.c.
//
// User pointers are long-term pins charged to no account (facts 6.3), which their owner may take
// back. Each memory is mapped for the hardware as long as it is held, so that whatever the
// hardware does after put() is seen: as a stray, or as a fault.

import type {
  Caller,
  Device,
  DmaBuf,
  DmaBufAttachment,
  DmaDirection,
  DmaMapping,
  PageBlock,
  PinnedPages,
  VMA,
} from '../../lib/driver/index.js';
import { Errno, PAGE_SIZE, pagesSpanned } from '../../lib/driver/index.js';
import type { Direction, MemoryOps, PlaneMemory, TakeBack } from './memory.js';

const dmaDirection: Record<Direction, DmaDirection> = {
  capture: 'from-device',
  output: 'to-device',
};

/** Bytes the hardware reaches through one mapping. */
abstract class MappedMemory implements PlaneMemory {
  protected readonly dev: Device;
  protected readonly mapping: DmaMapping;

  constructor(dev: Device, mapping: DmaMapping) {
    this.dev = dev;
    this.mapping = mapping;
  }

  get len(): number {
    return this.mapping.len;
  }

  abstract readonly inUse: boolean;
  abstract put(): void;

  write(pos: number, source: Uint8Array): Promise<void> {
    return this.dev.bus.write(this.mapping, pos, source);
  }

  read(pos: number, target: Uint8Array): Promise<void> {
    return this.dev.bus.read(this.mapping, pos, target);
  }

  fill(pos: number, source: Uint8Array): Promise<void> {
    return this.write(pos, source);
  }
}

/** Pages of RAM. The core reads and writes them too, for read() and write(): both directions. */
class MmapMemory extends MappedMemory {
  readonly #block: PageBlock;

  constructor(dev: Device, block: PageBlock) {
    super(dev, dev.dmaMap(block, 'bidirectional'));
    this.#block = block;
  }

  /** vb2_vmalloc_num_users(): mappings and exported files count. */
  get inUse(): boolean {
    return this.#block.nrUsers > 0;
  }

  mmap(vma: VMA): void {
    this.dev.insertPages(vma, this.#block, 0);
  }

  export(label: string): DmaBuf {
    return this.dev.exportDmaBuf(this.#block, label);
  }

  put(): void {
    this.dev.dmaUnmap(this.mapping);
    this.#block.free();
  }
}

class UserptrMemory extends MappedMemory {
  readonly inUse = false;
  readonly #pins: PinnedPages;

  constructor(dev: Device, pins: PinnedPages, dir: Direction) {
    super(dev, dev.dmaMap(pins, dmaDirection[dir]));
    this.#pins = pins;
  }

  put(): void {
    this.dev.dmaUnmap(this.mapping);
    this.#pins.unpin();
  }
}

class DmabufMemory extends MappedMemory {
  readonly inUse = false;
  readonly #attachment: DmaBufAttachment;
  readonly #len: number;

  constructor(dev: Device, attachment: DmaBufAttachment, len: number, dir: Direction) {
    super(dev, dev.dmaMap(attachment, dmaDirection[dir]));
    this.#attachment = attachment;
    this.#len = len;
  }

  override get len(): number {
    return this.#len;
  }

  put(): void {
    this.dev.dmaUnmap(this.mapping);
    this.#attachment.detach();
  }
}

async function pinUserptr(
  dev: Device,
  caller: Caller,
  { addr, len }: { readonly addr: number; readonly len: number },
  dir: Direction,
  takeBack: TakeBack,
): Promise<PlaneMemory> {
  if (addr === 0) throw new Errno('EFAULT', `${dev.name}: a user pointer of NULL`);
  const force = dev.rules.frameVectorForcesWrite;
  const pins = await dev.pinUserPages(caller, {
    addr,
    len,
    access: force || dir === 'capture' ? 'write' : 'read',
    force,
    onShort: 'EFAULT',
    longterm: true,
    revoke: (_pins, _why, task) => takeBack(task),
  });
  return new UserptrMemory(dev, pins, dir);
}

/** Memory for the buffers of a node of dev. */
export function deviceMemory(dev: Device): MemoryOps {
  return {
    alloc(len, _dir, label) {
      return new MmapMemory(dev, dev.allocPages(pagesSpanned(0, len), label));
    },
    attachDmabuf(buf, len, dir, takeBack) {
      if (len > buf.len) throw new Errno('EFAULT', `${buf.label} has ${buf.len} bytes, not ${len}`);
      const attachment = dev.attachDmaBuf(buf, { device: dev.name, revoke: takeBack });
      return new DmabufMemory(dev, attachment, len, dir);
    },
    getUserptr: (caller, range, dir, takeBack) => pinUserptr(dev, caller, range, dir, takeBack),
  };
}

/** Buffers begin on a page: the length of a mapping of one. */
export const mapLength = (len: number): number => pagesSpanned(0, len) * PAGE_SIZE;
