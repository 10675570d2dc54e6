// rdma: a software RDMA adapter on emulated memory. The hardware model is hca.ts; the driver, one
// file per object, stands behind the node /dev/rdma0 and the library VerbsContext
// (verbs-context.ts).

import { defineDriver, type Device, type Task } from '../../lib/driver/index.js';
import { Hca } from './hca.js';
import { RdmaDevice } from './rdma-device.js';
import { rdmaRules } from './rules.js';
import { uverbsOps } from './uverbs.js';
import type { VerbsContext } from './verbs-context.js';

declare module '../../lib/driver/index.js' {
  interface NodeLibraries {
    [node: `rdma${number}`]: VerbsContext;
  }
}

export default defineDriver({
  name: 'rdma',
  apiVersion: 1,
  idTable: [{ compatible: 'emul,hca' }],
  emulate: () => new Hca(),
  probe(dev: Device<Hca>) {
    const device = new RdmaDevice(dev, rdmaRules[dev.kernel]);
    const { name, sched, bus } = dev;
    const spawn = (label: string, fn: (task: Task) => Promise<void>): Task => dev.spawn(label, fn);
    dev.hardware.attach(Object.freeze({ name, sched, bus, rules: device.rules, spawn }));
    dev.addNode(dev.name, uverbsOps(device));
    return device;
  },
  remove(dev) {
    dev.hardware.detach();
  },
  async reset(_dev, device, task) {
    await device.hca.reset(task);
    for (const mr of device.regions) await mr.revoke('the device was reset', task);
  },
});

export { accessOf } from './access.js';
export { Fabric } from './fabric.js';
export { Hca } from './hca.js';
export { connectLink, Link, type LinkAddress, LinkServer } from './link.js';
export { wcStatusNumbers, wcStatusText } from './wc.js';
export type { WC, WCStatus } from './wc.js';
export type * from './verbs-context.js';
