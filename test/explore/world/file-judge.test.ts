// Goal: what is declared of a file is judged block by block: of the blocks a step writes, by name.

import test from 'ava';
import {
  explore,
  memoryWorld,
  type MemoryWorld,
  type Scenario,
} from '../../../lib/explore/index.js';
import { Device } from '../../../lib/explore/world/device.js';
import { judgeFile } from '../../../lib/explore/world/file-judge.js';

type Act = (file: ReturnType<MemoryWorld['file']>, device: Device) => void;

/** One task does this to a file of two blocks. */
const judged = (act: Act, freedOnce = false): Scenario => ({
  name: 'judged',
  title: 'a file of two blocks',
  world: memoryWorld(),
  body(race, given) {
    const world = given as MemoryWorld;
    const file = world.file(2);
    const device = new Device(world.env, 'dev0');
    judgeFile(race, file, device, { freedOnce });
    race.task('actor', async () => act(file, device));
  },
});

const names = async (scenario: Scenario): Promise<string[]> =>
  (await explore(scenario, { keepGoing: true })).failures.map(({ name }) => name);

test('a block freed twice is found where that was asked for', async (t) => {
  const twice: Act = (file) => {
    const pfn = file.env.pages.regions[1]!.basePfn + 1;
    file.freePage(pfn);
    file.freePage(pfn);
  };
  t.deepEqual(await names(judged(twice, true)), ['no page is freed twice']);
  t.deepEqual(await names(judged(twice)), []);
});

test('DMA that strayed is found', async (t) => {
  const stray: Act = (file, device) => {
    const { pages, sched } = file.env;
    const pfn = pages.regions[1]!.basePfn;
    sched.touch(pages.objectOf(pfn), 'write');
    device.stray.push(pfn);
  };
  t.deepEqual(await names(judged(stray)), ['DMA stays in its file']);
});

test('two steps on two blocks are one class of schedules', async (t) => {
  const apart: Scenario = {
    ...judged(() => {}),
    body(race, given) {
      const world = given as MemoryWorld;
      const file = world.file(2);
      judgeFile(race, file, new Device(world.env, 'dev0'), { freedOnce: true });
      for (const i of [0, 1]) {
        race.task(`task ${i}`, async () => {
          await race.at(file.objects[i]!, 'write');
          file.freePage(file.env.pages.regions[1]!.basePfn + i);
        });
      }
    },
  };
  t.is((await explore(apart, { strategy: 'depth-first', preemptions: Infinity })).schedules, 2);
  t.is((await explore(apart, { strategy: 'dpor' })).schedules, 1);
});
