// A server, its storage and a client over memory alone: what the parts of the driver are tested on.
// The file system is played by `layouts`, which hands out pages of pmem and recalls on demand.

import { BlockTarget } from '../../../drivers/pnfs/block-target.js';
import pnfs, { type PnfsState } from '../../../drivers/pnfs/index.js';
import type { BoundDevice } from '../../../lib/driver/bound-device.js';
import type { Device } from '../../../lib/driver/index.js';
import type {
  BlockLayout,
  BlockLayoutRequest,
  LayoutService,
} from '../../../lib/driver/layout-service.js';
import type { Task } from '../../../lib/sched/index.js';
import { PAGE_SIZE } from '../../../lib/units.js';
import { driverMachine } from '../../support/driver-machine.js';

export interface Granted {
  readonly request: BlockLayoutRequest;
  released: number;
}

export function pnfsBench() {
  const granted: Granted[] = [];
  /** Two extents of one page with a hole between them: pages 0 and 2 of the file. */
  const layouts: LayoutService = {
    takeLayoutLease: () => Promise.reject(new Error('not asked for')),
    blockLayout(_caller, request): Promise<BlockLayout> {
      const entry = { request, released: 0 };
      granted.push(entry);
      const { access } = request;
      const base = m.env.pages.regions[1]!.basePfn;
      const extents = [
        { pos: 0, len: PAGE_SIZE, pfn: base + 4, access },
        { pos: 2 * PAGE_SIZE, len: PAGE_SIZE, pfn: base + 9, access },
      ];
      return Promise.resolve({ extents, release: () => void entry.released++ });
    },
  };
  const m = driverMachine({ iommu: 'strict', layout: layouts });
  const target = new BlockTarget();
  m.core.register(pnfs);
  const bound: BoundDevice = m.core.addDevice('emul,shared-storage', target)!;
  const dev = bound as Device;
  const { server } = bound.driverState as PnfsState;
  /** Somebody wants to change the layout. */
  const recall = (index = 0) =>
    m.sched.spawn('recall', (task: Task) => granted[index]!.request.onRecall(task));
  return { m, target, dev, bound, server, granted, recall };
}
