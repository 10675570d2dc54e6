// Goal: the file of the scenarios truncates as the file system does, and tells what went wrong.

import test from 'ava';
import { explore, memoryWorld, type MemoryWorld, type Race } from '../../../lib/explore/index.js';

const inWorld = (body: (race: Race, world: MemoryWorld) => Promise<void>) =>
  explore({
    name: 'dax-file',
    title: 'a file',
    world: memoryWorld(),
    body: (race, world) => body(race, world as MemoryWorld),
  });

test('truncate unmaps and frees every page once', async (t) => {
  const found = await inWorld(async (race, world) => {
    const file = world.file(2);
    const app = world.process('app');
    const addr = await world.map(race.sched.current!, app, file);
    await file.truncate(race.sched.current!);
    t.is(file.freed.size, 2);
    t.is(app.mm.vmaAt(addr)!.pte(0), 0);
    t.notThrows(() => file.assertFreedOnce());
    file.freePage([...file.freed.keys()][0]!);
    t.throws(() => file.assertFreedOnce(), { message: /was freed 2 times/ });
  });
  t.deepEqual(found.failures, []);
});
