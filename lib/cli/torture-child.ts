// The process that torture kills: plays the workload of a seed on an image until it dies, and
// writes how far it came into a file that outlives it.
//
//   argv   image, progress file, seed
//   file   two u32: operations begun, operations that returned

import { openSync, writeSync } from 'node:fs';
import { TortureModel, workload } from './torture-model.js';
import { bootFor, Player, setupOf } from './torture-player.js';

async function playUntilKilled(image: string, progress: string, seed: number): Promise<void> {
  const fd = openSync(progress, 'r+');
  const words = new Uint32Array(2);
  const note = (word: 0 | 1): void => {
    words[word]! += 1;
    writeSync(fd, words, 0, 8, 0);
  };
  const machine = await bootFor(image, setupOf(seed));
  const player = new Player(machine.spawn('worker'));
  const model = new TortureModel({ storesSurvive: true });
  process.stdout.write('ready\n');
  for (const op of workload(seed, model)) {
    note(0);
    model.begin(op);
    await player.play(op);
    model.end(op);
    note(1);
  }
}

if (process.argv[1]?.includes('torture-child') === true) {
  const [, , image, progress, seed] = process.argv;
  void playUntilKilled(image!, progress!, Number(seed));
}
