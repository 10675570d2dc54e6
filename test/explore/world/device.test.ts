// Goal: a transfer to a page that has become somebody else's is stray, any other is not.

import test from 'ava';
import { explore, memoryWorld, type MemoryWorld } from '../../../lib/explore/index.js';
import { Device } from '../../../lib/explore/world/device.js';

test('stray is what lands in a page that was freed', async (t) => {
  await explore({
    name: 'device',
    title: 'a device',
    world: memoryWorld(),
    async body(race, made) {
      const world = made as MemoryWorld;
      const task = race.sched.current!;
      const [file, app, device] = [world.file(1), world.process('app'), new Device(world.env, 'd')];
      const pins = await device.pin(task, app, await world.map(task, app, file), 1);
      const translation = device.translate(pins.pfns);
      await device.write(translation);
      t.notThrows(() => device.assertNoStray());
      pins.unpin();
      await file.truncate(task);
      await device.write(translation, () => false);
      t.notThrows(() => device.assertNoStray());
      await device.write(translation);
      t.throws(() => device.assertNoStray(), { message: /d wrote pfn \d+, which is free/ });
    },
  });
});
