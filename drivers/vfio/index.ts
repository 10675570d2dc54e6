// vfio: an assigned device in the hands of an application. The node /dev/vfio0 is container, group
// and device in one, and as a group it has one opener at a time.
//
// Layers, from the node down: client.ts (the library) - this file (requests) - container.ts (type1:
// pins and IOVAs) - iommu-domain.ts, assigned-device.ts (the hardware).

import {
  defineDriver,
  type Device,
  Errno,
  type FileOperations,
  MiB,
  type NodeIO,
  PAGE_SIZE,
} from '../../lib/driver/index.js';
import { AssignedDevice, type DeviceCounters, type DmaJob } from './assigned-device.js';
import { checkInt, checkFlags, checkObject } from './args.js';
import { VfioClient } from './client.js';
import { Container, type MapDMAArg, type UnmapDMAArg } from './container.js';
import { IommuDomain } from './iommu-domain.js';

declare module '../../lib/driver/index.js' {
  interface NodeLibraries {
    [node: `vfio${number}`]: VfioClient;
  }
}

export interface IommuInfo {
  /** Sizes of page that entries may be made of, in bytes. */
  readonly pageSizes: readonly number[];
  /** First and last usable address. */
  readonly iovaRange: readonly [number, number];
  /** Entries that MAP_DMA may still add. */
  readonly dmaAvail: number;
}

export type VfioRequests = {
  /** A write to the device's registers, which an application maps; here it is a request. */
  DEVICE_START: { arg: DmaJob; ret: void };
  DEVICE_COUNTERS: { arg: unknown; ret: DeviceCounters };
  DEVICE_RESET: { arg: unknown; ret: void };
  IOMMU_GET_INFO: { arg: unknown; ret: IommuInfo };
  MAP_DMA: { arg: MapDMAArg; ret: void };
  UNMAP_DMA: { arg: UnmapDMAArg; ret: { readonly size: number } };
};

/** The device and who has it. */
export class VfioDevice {
  readonly dev: Device<AssignedDevice>;
  readonly domain: IommuDomain;
  container: Container | null = null;

  constructor(dev: Device<AssignedDevice>) {
    this.dev = dev;
    this.domain = new IommuDomain(dev.sched, dev.bus);
  }
}

/** The device's own memory: what one round may move. */
const mostPerRound = 64 * MiB;

function checkJob(request: DmaJob, lastIova: number): DmaJob {
  const arg = checkObject('DEVICE_START', request);
  const [dir] = checkFlags('dir', arg['dir'], ['read', 'write'] as const);
  return {
    dir: dir!,
    iova: checkInt('iova', arg['iova'], 0, lastIova),
    len: checkInt('len', arg['len'], 1, mostPerRound),
    byte: checkInt('byte', arg['byte'] ?? 0, 0, 255),
    periodNs: checkInt('periodNs', arg['periodNs'], 1),
  };
}

const nodeOps = (vfio: VfioDevice): FileOperations<Container, VfioRequests> => {
  const { dev } = vfio;
  const { hardware } = dev;
  return {
    ioctls: {
      DEVICE_START(_container, job) {
        hardware.start(checkJob(job, hardware.limits.lastIova));
      },
      DEVICE_COUNTERS: () => ({ ...hardware.counters }),
      DEVICE_RESET: (_container, _arg, { task }) => hardware.reset(task),
      IOMMU_GET_INFO: (container) => ({
        pageSizes: [PAGE_SIZE],
        iovaRange: [0, hardware.limits.lastIova],
        dmaAvail: container.nrFree,
      }),
      MAP_DMA: (container, arg, caller) => container.mapDMA(caller, arg),
      async UNMAP_DMA(container, arg, { task }) {
        return { size: await container.unmapDMA(task, arg) };
      },
    },
    library: (io) => new VfioClient(io as NodeIO<VfioRequests>),
    /** EBUSY: a group has one opener (drivers/vfio/group.c:vfio_group_fops_open). */
    open() {
      if (vfio.container !== null) throw new Errno('EBUSY', `open: ${dev.name} is in use`);
      vfio.container = new Container(dev, vfio.domain);
      return vfio.container;
    },
    /** The device is reset before its memory goes (vfio_pci_core_disable). */
    async release(container, task) {
      await hardware.reset(task);
      await container.close(task);
      vfio.container = null;
    },
  };
};

export default defineDriver({
  name: 'vfio',
  apiVersion: 1,
  idTable: [{ compatible: 'emul,assigned-device' }],
  emulate: () => new AssignedDevice(),
  probe(dev: Device<AssignedDevice>) {
    const vfio = new VfioDevice(dev);
    const { sched } = dev;
    const spawn: Device['spawn'] = (label, fn) => dev.spawn(label, fn);
    dev.hardware.attach({ sched, domain: vfio.domain, spawn });
    dev.addNode(dev.name, nodeOps(vfio));
    return vfio;
  },
  async reset(dev, _vfio, task) {
    await dev.hardware.reset(task);
  },
});

export { AssignedDevice };
export type { DeviceCounters, DmaJob } from './assigned-device.js';
export type { MapDMAArg, UnmapDMAArg } from './container.js';
export type { VfioClient } from './client.js';
