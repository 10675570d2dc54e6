// Goal: whatever the schedule, its picture fits the columns and marks the culprit.

import test from 'ava';
import { replayChoices, scenario, traceView } from '../../lib/explore/index.js';

const noted = scenario('noted', 'words of its own', (race) => {
  const cell = race.object('cell');
  for (const name of ['first', 'second']) {
    race.task(name, async () => {
      await race.at(cell);
      race.note(`${name} says ${'much '.repeat(40)}`);
    });
  }
});

test('notes stand in the column of their task, clipped to it', async (t) => {
  const replayed = await replayChoices(noted, [1]);
  for (const columns of [100, 60, 30]) {
    const lines = traceView(replayed, { columns });
    t.true(
      lines.every((line) => line.length <= columns),
      lines.join('\n'),
    );
  }
  const lines = traceView(replayed);
  const at = (text: string): number => lines.findIndex((line) => line.includes(text));
  t.true(at('second says') >= 0 && at('second says') < at('first says'));
  t.true(lines[at('second says')]!.indexOf('second says') > 40);
});

test('of a long run the last steps are shown', async (t) => {
  const lines = traceView(await replayChoices(noted, []), { steps: 2 });
  t.true(lines.some((line) => /… \d+ steps before/.test(line)));
});
