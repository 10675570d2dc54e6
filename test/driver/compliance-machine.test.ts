// Goal: the suite's own machine counts what is left, and nothing when nothing is.

import test from 'ava';
import { complianceCaller, complianceMemory } from '../../lib/driver/compliance-machine.js';
import { kernelRules } from '../../lib/kernel-rules.js';
import { pinUserPages } from '../../lib/mm/gup.js';
import { Scheduler } from '../../lib/sched/index.js';

test('a page and a pin that were not given back are named', async (t) => {
  const sched = new Scheduler({ mode: 'simulated' });
  const memory = complianceMemory(sched, kernelRules.proposed);
  t.deepEqual(memory.leftovers(), []);
  await sched.run('test', async (task) => {
    const app = complianceCaller(memory, task);
    const addr = await app.map(1);
    const { mm } = app.caller.process;
    const origin = { process: app.caller.process, device: 'd', deviceFile: '', dataFile: '' };
    const pins = await pinUserPages(task, memory.env, {
      mm,
      addr,
      len: 1,
      access: 'write',
      longterm: false,
      origin,
    });
    await app.exit();
    t.deepEqual(memory.leftovers(), ['1 pins', '1 pinned pages', '1 pages']);
    pins.unpin();
  });
  t.deepEqual(memory.leftovers(), []);
});
