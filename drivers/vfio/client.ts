// The assigned device as an application holds it: one method for each request of /dev/vfio0.

import type { NodeIO } from '../../lib/driver/index.js';
import type { DeviceCounters, DmaJob } from './assigned-device.js';
import type { MapDMAArg } from './container.js';
import type { IommuInfo, VfioRequests } from './index.js';

export class VfioClient {
  readonly io: NodeIO<VfioRequests>;

  constructor(io: NodeIO<VfioRequests>) {
    this.io = io;
  }

  info(): Promise<IommuInfo> {
    return this.io.ioctl('IOMMU_GET_INFO', undefined);
  }

  /** Pin [vaddr, vaddr + size) until it is unmapped, and let the device reach it at iova. */
  mapDMA(arg: MapDMAArg): Promise<void> {
    return this.io.ioctl('MAP_DMA', arg);
  }

  /** Bytes that were mapped in the range; entries go whole. */
  async unmapDMA(iova: number, size: number): Promise<number> {
    return (await this.io.ioctl('UNMAP_DMA', { iova, size })).size;
  }

  async unmapAll(): Promise<number> {
    return (await this.io.ioctl('UNMAP_DMA', { iova: 0, size: 0, flags: ['all'] })).size;
  }

  /** Set the device to work. Only reset() and close() end that. */
  start(job: DmaJob): Promise<void> {
    return this.io.ioctl('DEVICE_START', job);
  }

  reset(): Promise<void> {
    return this.io.ioctl('DEVICE_RESET', undefined);
  }

  counters(): Promise<DeviceCounters> {
    return this.io.ioctl('DEVICE_COUNTERS', undefined);
  }

  close(): Promise<void> {
    return this.io.close();
  }
}
