// The ava kit: race() declares a test that holds under every schedule up to a bound.
//
//   race('truncate never frees a page under DMA', { policy: 'lease-break', preemptions: 2 },
//     async (t, machine) => {
//       const app = machine.spawn('app');            // set the stage; this part is not explored
//       t.task('app', async () => { ... });          // tasks start together when it returns
//       t.task('admin', () => machine.spawn('admin').truncate('/data', 0));
//     });
//
// A failure prints its token and the shrunk schedule. LEASEHOLD_REPLAY=<token> npx ava runs only
// the test of that token, and only that schedule. What was covered is in the test's log.

import test, { type ExecutionContext } from 'ava';
import { type RaceAssertions, raceAssertions } from './explore/assertions.js';
import {
  decodeToken,
  explore,
  type ExploreOptions,
  type Finding,
  type Race,
  type RaceTimers,
  replayToken,
  type Scenario,
  slug,
  traceView,
  type WorldMaker,
} from './explore/index.js';
import { type MachineWorldOptions, machineWorld } from './explore/world/machine-world.js';
import type { Machine } from './machine.js';

export {
  type PinProtocol,
  stress,
  type StressFailure,
  type StressMemory,
  type StressOptions,
  type StressResult,
  type StressScenario,
} from './explore/index.js';

/** What a scenario is given: ava's assertions, which make findings here, and its tasks. */
export type RaceContext = Race & RaceAssertions;

interface CommonOptions extends Omit<ExploreOptions, 'onProgress'> {
  readonly timers?: RaceTimers;
  readonly maxPoints?: number;
  /** 'restore' puts the machine back between schedules instead of booting it: see Scenario. */
  readonly reset?: Scenario['reset'];
  /** Fail unless the search was complete, rather than log that it was not. */
  readonly mustComplete?: boolean;
}

/** On a machine; what it is made of, and how it is explored. */
export interface MachineRaceOptions extends CommonOptions, MachineWorldOptions {
  readonly world?: undefined;
}

/** On a world of one's own, or on a bare scheduler: null. */
export interface WorldRaceOptions<W> extends CommonOptions {
  readonly world: WorldMaker<W> | null;
}

export type RaceFunction<W> = (t: RaceContext, world: W) => void | Promise<void>;

/** The budget of a test that states none. */
const USUAL_SECONDS = 60;

function scenarioOf<W>(
  title: string,
  options: MachineRaceOptions | WorldRaceOptions<W>,
  fn: RaceFunction<W>,
): Scenario {
  const { timers, maxPoints, reset } = options;
  const world = options.world === undefined ? machineWorld(options) : options.world;
  return {
    name: slug(title),
    title,
    ...(timers !== undefined && { timers }),
    ...(maxPoints !== undefined && { maxPoints }),
    ...(reset !== undefined && { reset }),
    ...(world !== null && { world }),
    body: (race, made) => fn(contextOf(race), made as W),
  };
}

/** The race with assertions beside it. */
function contextOf(race: Race): RaceContext {
  return Object.assign(Object.create(race) as Race, raceAssertions, {
    task: race.task.bind(race),
    invariant: race.invariant.bind(race),
    finish: race.finish.bind(race),
    outcome: race.outcome.bind(race),
    note: race.note.bind(race),
    object: race.object.bind(race),
    keep: race.keep.bind(race),
    at: race.at.bind(race),
    sched: race.sched,
  });
}

async function show(t: ExecutionContext, scenario: Scenario, finding: Finding): Promise<never> {
  const replayed = await replayToken(scenario, finding.token);
  t.log(traceView(replayed).join('\n'));
  return t.fail(
    `${finding.kind}: ${finding.message}\n\n` + `replay: LEASEHOLD_REPLAY=${finding.token} npx ava`,
  ) as never;
}

const replayed = process.env['LEASEHOLD_REPLAY'];

/**
 * Explore inside a test of one's own, or inside a property whose values make the scenario. Fails
 * the test with the token and the shrunk schedule.
 */
export async function assertRace<W = Machine>(
  t: ExecutionContext,
  title: string,
  options: MachineRaceOptions | WorldRaceOptions<W>,
  fn: RaceFunction<W>,
): Promise<void> {
  const scenario = scenarioOf(title, options, fn);
  if (replayed !== undefined && decodeToken(replayed).scenario === scenario.name) {
    const again = await replayToken(scenario, replayed);
    t.log(traceView(again).join('\n'));
    t.is(again.failure, null, again.failure?.message ?? 'the schedule does not fail');
    return;
  }
  const { budget = { seconds: USUAL_SECONDS } } = options;
  const found = await explore(scenario, { ...options, budget });
  t.log(found.coverage);
  for (const finding of found.failures) await show(t, scenario, finding);
  t.deepEqual(found.failures, []);
  if (options.mustComplete === true) t.true(found.complete, found.coverage);
}

interface RaceTest {
  /** A test that explores a scenario on a machine. */
  (title: string, options: MachineRaceOptions, fn: RaceFunction<Machine>): void;
  /** A test that explores a scenario on a world of one's own. */
  <W>(title: string, options: WorldRaceOptions<W>, fn: RaceFunction<W>): void;
}

type Declare = (title: string, fn: (t: ExecutionContext) => Promise<void>) => void;

function declaring(declare: Declare): RaceTest {
  return <W>(
    title: string,
    options: MachineRaceOptions | WorldRaceOptions<W>,
    fn: RaceFunction<W>,
  ): void => {
    declare(title, (t) => assertRace<W>(t, title, options, fn));
  };
}

const usual: Declare = (title, fn) => {
  if (replayed === undefined) test(title, fn);
  else if (decodeToken(replayed).scenario === slug(title)) test.only(title, fn);
  else test.skip(title, fn);
};

/** Declare a test; race.only and race.skip as ava's. */
export const race: RaceTest & { readonly only: RaceTest; readonly skip: RaceTest } = Object.assign(
  declaring(usual),
  {
    only: declaring((title, fn) => test.only(title, fn)),
    skip: declaring((title, fn) => test.skip(title, fn)),
  },
);
