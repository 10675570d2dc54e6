// The memory behind a device-dax node: pages of a device file that no file system lies on or, when
// there are none, memory that firmware set aside (linux drivers/dax/hmem). It only stores bytes.

import { checkRange, Errno, MiB, PAGE_SIZE } from '../../lib/driver/index.js';

export interface DaxRegionOptions {
  /** Pages of the device file; memory is taken instead if there are none. */
  readonly pages?: Uint32Array;
  /** Bytes of memory to take then. */
  readonly size?: number;
  /** dax_region->align: a power of two, of which mappings are a multiple. Bytes. */
  readonly align?: number;
}

export class DaxRegion {
  readonly pages: Uint32Array;
  readonly align: number;
  /** Bytes; the pages beyond the last whole multiple of align are not used. */
  readonly size: number;

  /** EINVAL names the option at fault. */
  constructor(options: DaxRegionOptions = {}) {
    const { pages = new Uint32Array(0), align = PAGE_SIZE } = options;
    if (!Number.isSafeInteger(align) || align < PAGE_SIZE || !Number.isInteger(Math.log2(align))) {
      throw new Errno('EINVAL', `device-dax: align: ${align} is no power of two of pages`);
    }
    const len = pages.length > 0 ? pages.length * PAGE_SIZE : (options.size ?? 2 * MiB);
    checkRange('device-dax: size', 0, len);
    this.size = len - (len % align);
    if (this.size === 0) throw new Errno('EINVAL', `device-dax: size: ${len} of align ${align}`);
    this.pages = pages.subarray(0, this.size / PAGE_SIZE);
    this.align = align;
  }
}
