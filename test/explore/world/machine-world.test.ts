// Goal: a whole machine for every run, with its referee as judge.

import test from 'ava';
import { explore, machineWorld } from '../../../lib/explore/index.js';
import type { Machine } from '../../../lib/machine.js';

test('each run has a machine of its own, and gives its memory back', async (t) => {
  const devices = new Set<Machine['device']>();
  const found = await explore(
    {
      name: 'machine',
      title: 'two writers of one file',
      world: machineWorld({ kernel: '6.12' }),
      async body(race, made) {
        const machine = made as Machine;
        devices.add(machine.device);
        t.is(machine.kernel, '6.12');
        const app = machine.spawn('app');
        const fd = await app.open('/data', ['rdwr', 'creat']);
        for (const byte of [1, 2]) {
          race.task(`w${byte}`, async () => {
            await app.write(fd, 0, new Uint8Array(8).fill(byte));
          });
        }
      },
    },
    { preemptions: 1 },
  );
  t.deepEqual(found.failures, []);
  t.is(devices.size, found.schedules + found.cut);
  t.true([...devices].every((device) => device.closed));
});
