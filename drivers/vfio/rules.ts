// What a container answers where its keepers differ, as rows with the source of each.
//
// 6.1, 6.12 and 7.2 are type1 as those kernels have it (drivers/vfio/vfio_iommu_type1.c);
// 'proposed' is a device in user space, as libvfio-user keeps one and iommufd's emulation
// of type1 answers (facts/judges 2.10: libvfio-user test/py).

import type { KernelName } from '../../lib/driver/index.js';

export interface VfioRules {
  /** UNMAP_DMA of addresses that nothing is mapped at: 0 bytes, or a refusal. read */
  readonly unmapMissing: 'nothing' | 'ENOENT';
  /** One entry more than the IOMMU takes: dma_avail (type1), or the table's size. read */
  readonly tooManyEntries: 'ENOSPC' | 'EINVAL';
}

const type1: VfioRules = { unmapMissing: 'nothing', tooManyEntries: 'ENOSPC' };

export const vfioRules: Readonly<Record<KernelName, VfioRules>> = {
  '6.1': type1,
  '6.12': type1,
  '7.2': type1,
  proposed: { unmapMissing: 'ENOENT', tooManyEntries: 'EINVAL' },
};
