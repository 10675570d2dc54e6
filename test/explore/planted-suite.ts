// What every planted bug must show: it is found within its preemptions, what is found is what was
// planted, its token replays it, and the repaired twin is clean in every schedule.

import test from 'ava';
import {
  decodeToken,
  explore,
  type Planted,
  replayToken,
  traceView,
} from '../../lib/explore/index.js';

/** Declare the tests of a family. twinBound: preemptions up to which the twins are explored. */
export function testPlanted(bugs: readonly Planted[], twinBound = 2): void {
  for (const bug of bugs) {
    test(`${bug.name} is found: ${bug.defect}`, async (t) => {
      const { preemptions } = bug;
      const found = await explore(bug.make(true), { preemptions, budget: { seconds: 60 } });
      const [finding] = found.failures;
      t.log(found.coverage);
      if (finding === undefined) return t.fail(found.coverage);
      t.is(finding.kind, bug.finds);
      t.true(finding.preemptions <= preemptions);
      const replayed = await replayToken(bug.make(true), finding.token);
      t.is(replayed.failure?.kind, finding.kind);
      t.is(replayed.failure?.name, finding.name);
      t.is(decodeToken(replayed.token).scenario, bug.name);
      for (const line of traceView(replayed)) t.true(line.length <= 100, line);
    });

    test(`${bug.name}, repaired: ${bug.make(false).title}`, async (t) => {
      const found = await explore(bug.make(false), { preemptions: twinBound });
      t.log(found.coverage);
      t.deepEqual(found.failures, []);
      t.true(found.complete);
    });
  }
}
