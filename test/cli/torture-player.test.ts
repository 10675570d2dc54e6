// Goal: what the player does to a machine is what the model says.

import test from 'ava';
import { TortureModel, workload } from '../../lib/cli/torture-model.js';
import { contentsOf, Player, setupOf } from '../../lib/cli/torture-player.js';
import { MiB } from '../../lib/units.js';
import { balancedMachine } from '../support/machine.js';

for (const seed of [1, 2, 3]) {
  test(`after a sync the files are those of the model, seed ${seed}`, async (t) => {
    await using machine = await balancedMachine(t, {
      ...{ inMemory: true, size: 2 * MiB, ram: 2 * MiB, mounts: { '/': setupOf(seed) } },
    });
    const app = machine.spawn('app');
    const player = new Player(app);
    await player.prepare();
    const model = new TortureModel({ storesSurvive: true });
    let n = 0;
    for (const op of workload(seed, model)) {
      model.begin(op);
      await player.play(op);
      model.end(op);
      if (++n >= 150 && op.op === 'fsync') break;
    }
    const found = await contentsOf(app);
    t.is(model.check(found), null);
    t.deepEqual([...found.keys()].sort(), [...model.names].sort());
    for (const [name, bytes] of found) t.is(Buffer.compare(bytes, model.content(name)), 0, name);
  });
}
