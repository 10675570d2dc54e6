// Goal: a shrunk schedule fails alike with no more preemptions, and none of its answers can go.

import test from 'ava';
import { explore, plantedBugs, RandomSearch, ReplaySearch } from '../../lib/explore/index.js';
import { runOnce } from '../../lib/explore/stage.js';

const names = ['unpin-too-many', 'two-truncates', 'lost-charge', 'reaper-too-early'];

for (const name of names) {
  test(`${name}: what random search finds shrinks to a schedule without waste`, async (t) => {
    const bug = plantedBugs.find((planted) => planted.name === name)!;
    const found = async (shrink: boolean) => {
      const strategy = new RandomSearch(11, 3_000);
      return (await explore(bug.make(true), { strategy, shrink })).failures[0]!;
    };
    const [whole, small] = [await found(false), await found(true)];
    t.is(small.name, whole.name);
    t.true(small.preemptions <= whole.preemptions);
    t.true(small.preemptions <= 3, `${whole.preemptions} -> ${small.preemptions}`);
    for (const [place, choice] of small.choices.entries()) {
      if (choice === 0) continue;
      const search = new ReplaySearch(small.choices.with(place, 0));
      search.begin();
      const record = await runOnce(bug.make(true), search);
      t.not(record.failures[0]?.name, small.name, `answer ${place} is not needed`);
    }
  });
}
