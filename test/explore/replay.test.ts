// Goal: a token shows the same failure again, in this process and in another one, and says so when
// it cannot.

import test from 'ava';
import {
  explore,
  plantedBugs,
  replayChoices,
  replayToken,
  scenario,
  traceView,
} from '../../lib/explore/index.js';
import { perfettoDocument } from '../../lib/trace/index.js';

const bug = plantedBugs.find(({ name }) => name === 'lock-kept-while-waiting')!;

test('a replay tells each step: who, what was touched, what the tracepoints said', async (t) => {
  const { failures } = await explore(bug.make(true));
  const replayed = await replayToken(bug.make(true), failures[0]!.token);
  t.is(replayed.failure!.kind, 'deadlock');
  t.true(replayed.steps.some(({ said }) => said.some((text) => /^unmap \/file1/.test(text))));
  t.true(replayed.steps.some(({ touched }) => touched.includes('pfn 1024!')));
  const document = perfettoDocument(replayed.events, { stretchNs: 1000 });
  t.true(document.traceEvents.length > replayed.steps.length);
});

test('the picture: tasks side by side, the culprit marked, the circle below', async (t) => {
  const { failures } = await explore(bug.make(true));
  const lines = traceView(await replayToken(bug.make(true), failures[0]!.token));
  t.regex(lines[0]!, /^ +pinner +\| truncater$/);
  t.is(lines.filter((line) => /^! +\d+ /.test(line)).length, 1);
  t.true(lines.some((line) => line === '! circle: pinner -> truncater -> pinner'));
  t.true(lines.every((line) => line.length <= 100));
  const narrow = traceView(await replayToken(bug.make(true), failures[0]!.token), { columns: 40 });
  t.true(narrow.every((line) => line.length <= 40));
});

test('a schedule that does not fail is shown as such', async (t) => {
  const replayed = await replayChoices(bug.make(false), []);
  t.is(replayed.failure, null);
  t.is(traceView(replayed).at(-1), '  no failure');
});

test('a token of a scenario that has changed is an error, not another failure', async (t) => {
  const writers = (nr: number) =>
    scenario('changed', 'more tasks than before', (race) => {
      const cell = race.object('cell');
      for (let i = 0; i < nr; i++) {
        race.task(`t${i}`, async () => {
          await race.at(cell);
          await race.at(cell);
        });
      }
    });
  const { token } = await replayChoices(writers(2), [1]);
  await t.throwsAsync(replayToken(writers(3), token), { name: 'NondeterminismError' });
});
