// vfio: a device assigned to the application writes to the mapping on its own clock, for ever.

import vfioDriver, { type AssignedDevice } from '../../drivers/vfio/index.js';
import type { Act, Running } from './acts.js';
import { dmaByte } from './scene.js';

const nrPages = 2;

export const vfio: Act = {
  pins: 'longterm',
  revocable: false,
  drivers: [vfioDriver],
  nrPages,
  periodic: true,
  shared: false,
  async open({ machine, periodNs }, process) {
    const client = await process.openDevice('vfio0');
    const { counters } = machine.drivers.device('vfio0').hardware as AssignedDevice;
    return {
      async start({ addr, len }): Promise<Running> {
        const iova = 0;
        await client.mapDMA({ vaddr: addr, iova, size: len, flags: ['read', 'write'] });
        await client.start({ dir: 'write', iova, len, byte: dmaByte, periodNs });
        return {
          parts: [client],
          async pulse(task) {
            const { rounds, faults } = counters;
            await machine.clock.sleep(task, periodNs);
            return counters.rounds > rounds && counters.faults === faults;
          },
          async release() {
            await client.reset();
            await client.unmapAll();
          },
        };
      },
    };
  },
};
