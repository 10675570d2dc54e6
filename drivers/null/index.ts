// null: (almost) the most minimal driver possible. Copy this folder to start a new one.
//
// The hardware is a source of one byte, repeated. The node /dev/null0 answers one request:
// FILL pins the caller's buffer, lets the hardware write it, and unpins it.

import { defineDriver, type Device, type FileOperations } from '../../lib/driver/index.js';
import { ByteSource } from './byte-source.js';

export type NullRequests = { FILL: { arg: { addr: number; len: number }; ret: void } };

const nodeOps = (dev: Device<ByteSource>): FileOperations<void, NullRequests> => ({
  ioctls: {
    /** EFAULT: not the caller's memory, or not writable. EINVAL: nothing to fill. */
    async FILL(_handle, { addr, len }, caller) {
      const request = { addr, len, access: 'write', longterm: false } as const;
      using pages = await dev.pinUserPages(caller, request);
      const mapping = dev.dmaMap(pages, 'from-device');
      try {
        await dev.hardware.fill(dev.bus, mapping);
      } finally {
        dev.dmaUnmap(mapping);
      }
    },
  },
  open() {},
  release() {},
});

export default defineDriver({
  name: 'null',
  apiVersion: 1,
  idTable: [{ compatible: 'emul,byte-source' }],
  emulate: () => new ByteSource(),
  probe(dev: Device<ByteSource>) {
    dev.addNode(dev.name, nodeOps(dev));
  },
});

export { ByteSource };
