// device-dax: persistent memory without a file system, behind the node /dev/dax0.0.
//
// Mapping it is all that an application can do: shared, and in multiples of the alignment. Its
// pages never move, so any pin of them is allowed, for as long as anybody likes; there is nothing
// to truncate, and no lease to take, since it is no regular file (EINVAL, facts 3.3).

import {
  defineDriver,
  type DaxPages,
  type Device,
  Errno,
  type FileOperations,
  type PageBlock,
  PAGE_SIZE,
  type VMA,
} from '../../lib/driver/index.js';
import { DaxRegion } from './dax-region.js';

export interface DeviceDaxState {
  readonly pages: DaxPages;
  /** Where the pages came from, if it was memory. */
  readonly block: PageBlock | null;
}

/** drivers/dax/device.c:check_vma. EINVAL: private, or no multiple of the alignment. */
function checkVma(vma: VMA, align: number): void {
  if (!vma.shared) throw new Errno('EINVAL', 'mmap: device-dax has no private mappings');
  if (vma.start % align !== 0 || vma.end % align !== 0) {
    throw new Errno('EINVAL', `mmap: [${vma.start}, ${vma.end}) is no multiple of ${align} bytes`);
  }
}

const nodeOps = (pages: DaxPages, align: number): FileOperations<void> => ({
  mapping: pages.mapping,
  mmap(_handle, vma) {
    checkVma(vma, align);
    vma.ops = pages.vmOps;
  },
  open() {},
  release() {},
});

export default defineDriver({
  name: 'device-dax',
  apiVersion: 1,
  idTable: [{ compatible: 'emul,pmem' }],
  emulate: ({ reservedPages }) => new DaxRegion({ pages: reservedPages }),
  probe(dev: Device<DaxRegion>): DeviceDaxState {
    const { pages: reserved, size, align } = dev.hardware;
    const node = `dax${/\d*$/.exec(dev.name)![0] || '0'}.0`;
    const block = reserved.length > 0 ? null : dev.allocPages(size / PAGE_SIZE, node);
    const pages = dev.daxPages(block?.pfns ?? reserved, `/dev/${node}`);
    dev.addNode(node, nodeOps(pages, align));
    return { pages, block };
  },
  /** Mappings that are left get SIGBUS; waits for pins of other devices. */
  async remove(_dev, { pages, block }, task) {
    await pages.close(task);
    block?.free();
  },
});

export { DaxRegion };
