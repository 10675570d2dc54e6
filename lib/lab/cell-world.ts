// A cell as a scenario for the explorer: every run boots a machine anew on the device file, sets
// the scene, and lets the schedule decide the rest.

import { rmSync } from 'node:fs';
import { basename } from 'node:path';
import { slug, type Scenario, type WorldMaker } from '../explore/index.js';
import type { LayoutPolicy } from '../lease/layout.js';
import { bootMachine, type Machine, type MachineOptions } from '../machine.js';
import { actOf } from './acts.js';
import { type Cell, type Ending } from './cell.js';
import { Play } from './play.js';
import { machineOptions, type SceneSpec } from './scene.js';

/**
 * The name of the cell's scenario; it stands in tokens. A policy's file is named without its
 * folder, so that a token holds wherever it is replayed from.
 */
export const scenarioName = ({ policy, driver, behaviour, operation }: Cell): string =>
  `lab-${slug(basename(policy))}-${driver}-${behaviour}-${operation}`;

export interface CellScenario extends Scenario<Machine> {
  /** The play of the run under way, or of the last one. */
  readonly play: () => Play;
  /** The same, or null before the first run. */
  readonly set: Play | null;
  /** How the last run ended, however far it came. */
  readonly ending: () => Ending;
}

export interface CellScenarioOptions {
  /** A real file; every world makes a file system on it anew. */
  readonly device: string;
  /** Called when the scene is set, before anything races. */
  onSet?(play: Play): void;
}

/** What each file of this process was made for. */
const made = new Map<string, number | undefined>();

/**
 * The device file of a world: the last one again if it has the size, since a new file system is
 * made on it and what the last machine left pinned counts as a dead opener's.
 */
function deviceOf(device: string, { size }: MachineOptions): string {
  if (made.get(device) !== size) rmSync(device, { force: true });
  made.set(device, size);
  return device;
}

export function cellScenario(
  cell: Cell,
  policy: LayoutPolicy,
  { device, onSet }: CellScenarioOptions,
): CellScenario {
  const spec: SceneSpec = { policy, act: actOf(cell.driver), operation: cell.operation };
  const options = machineOptions(spec);
  let play: Play | null = null;
  const current = (): Play => {
    if (play === null) throw new Error('the scene was never set');
    return play;
  };
  const world: WorldMaker<Machine> = {
    async make({ strategy, timers, maxPoints }) {
      const machine = await bootMachine({
        ...options,
        device: deviceOf(device, options),
        flushes: false, // thousands of schedules, and no power failure of the host
        clock: 'virtual',
        maxPoints,
        ...(strategy !== undefined && { strategy }),
        ...(timers !== undefined && { timers }),
      });
      const end = (): void => {
        play?.end();
        machine.abandon();
      };
      return { sched: machine.sched, world: machine, end };
    },
  };
  return {
    name: scenarioName(cell),
    title: `${cell.operation} under ${cell.policy}, ${cell.driver}, ${cell.behaviour}`,
    timers: 'idle',
    maxPoints: 50_000,
    world,
    reset: 'restore',
    play: current,
    get set() {
      return play;
    },
    ending: () => current().ending(),
    async body(race, machine) {
      play = await Play.set(machine, spec, cell.behaviour);
      race.keep(play);
      onSet?.(play);
      for (const [name, fn] of play.tasks) race.task(name, fn);
    },
  };
}
