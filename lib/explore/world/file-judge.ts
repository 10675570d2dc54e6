// What must hold of a file's blocks in every scenario over the memory room, judged block by block.
//
// Each check is about one block at a time, so a step on one block is never ordered with a step on
// another for the judge's sake: the invariant of a block reads nothing but that block.

import type { Race } from '../scenario.js';
import type { DaxFile } from './dax-file.js';
import type { Device } from './device.js';

export interface FileJudgeOptions {
  /** Also that no block is freed twice. */
  readonly freedOnce?: boolean;
}

/** Declare the invariants of this file and of the device that pins it. */
export function judgeFile(
  race: Race,
  file: DaxFile,
  device: Device,
  options: FileJudgeOptions = {},
): void {
  for (const block of file.objects) {
    const over = { over: [block] };
    race.invariant('no page is freed under a pin', () => file.assertNoPinOnFreePage(), over);
    if (options.freedOnce === true) {
      race.invariant('no page is freed twice', () => file.assertFreedOnce(), over);
    }
    race.invariant('DMA stays in its file', () => device.assertNoStray(), over);
  }
}
