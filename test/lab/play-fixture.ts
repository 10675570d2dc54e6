// One schedule of a cell, for tests: the first, which preempts nobody.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { actOf } from '../../lib/lab/acts.js';
import type { Cell, Ending } from '../../lib/lab/cell.js';
import { pinsOfFiles } from '../../lib/lab/lease-watch.js';
import { Play } from '../../lib/lab/play.js';
import { machineOptions } from '../../lib/lab/scene.js';
import { searchCell } from '../../lib/lab/search-cell.js';
import { policyOf } from '../../lib/lab/user-policy.js';
import { bootMachine, type Machine } from '../../lib/machine.js';
import type { Task } from '../../lib/sched/index.js';
import { watchBalance } from '../support/end-of-file.js';

/** Run fn with the path of a device file that is gone afterwards. */
export async function withDevice<T>(fn: (device: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'leasehold-play-'));
  try {
    return await fn(join(folder, 'pmem.img'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const cellOf = (over: Partial<Cell>): Cell => ({
  policy: 'wait',
  driver: 'rdma-revocable',
  behaviour: 'never-leases',
  operation: 'truncate',
  ...over,
});

/** How the first schedule of the cell ends. */
export const endOf = (over: Partial<Cell>): Promise<Ending> =>
  withDevice(async (device) => {
    const cell = cellOf(over);
    const options = { device, schedules: 1, exhaustive: false };
    return (await searchCell(cell, await policyOf(cell.policy), options)).worst;
  });

/** A play whose scene is set, on virtual time, with nothing of it racing. */
export interface Stage {
  readonly play: Play;
  readonly machine: Machine;
  readonly longtermPins: () => number;
  /** As a task of the machine, to its end. */
  run<T>(fn: (task: Task) => Promise<T>): Promise<T>;
}

export const onStage = <T>(over: Partial<Cell>, fn: (stage: Stage) => T | Promise<T>): Promise<T> =>
  withDevice(async (device) => {
    const cell = cellOf(over);
    const policy = await policyOf(cell.policy);
    const spec = { policy, act: actOf(cell.driver), operation: cell.operation };
    const machine = await bootMachine({ ...machineOptions(spec), device, clock: 'virtual' });
    watchBalance(machine.mm);
    const run: Stage['run'] = (task) => machine.sched.run('test', task);
    try {
      const play = await run(() => Play.set(machine, spec, cell.behaviour));
      try {
        return await fn({ play, machine, run, longtermPins: () => pinsOfFiles(machine) });
      } finally {
        play.end();
      }
    } finally {
      await machine.powerOff();
    }
  });
