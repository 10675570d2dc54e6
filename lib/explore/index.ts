// The door of the room: explore() and what it takes, the registry, replays.

export { BoundedSearch } from './bounded-search.js';
export { DPORSearch } from './dpor-search.js';
export {
  type Budget,
  explore,
  type Exploration,
  type ExploreOptions,
  type Finding,
} from './explore.js';
export { type Failure, type FailureKind, NondeterminismError, sameFailure } from './failure.js';
export { FastCheckSearch, type FastCheckScheduler } from './fast-check-search.js';
export {
  type Planted,
  plantedBugs,
  scenarioNamed,
  scenarios,
  threadOnly,
  threadScenarioNamed,
  threadScenarios,
  twinOf,
} from './planted/index.js';
export { type Replayed, replayChoices, replayToken } from './replay.js';
export { ReplaySearch } from './replay-search.js';
export { PCTSearch, RandomSearch } from './sampled-search.js';
export {
  type Ground,
  type InvariantOptions,
  type Race,
  type RaceTimers,
  scenario,
  type Scenario,
  type WorldMaker,
} from './scenario.js';
export type { RunRecord, Search } from './search.js';
export { shrink } from './shrink.js';
export { stress, type StressOptions, type StressResult } from './stress.js';
export type { StressMemory } from './stress-memory.js';
export type { PinProtocol, StressScenario } from './stress-protocol.js';
export { type StressFailure, stressInvariants } from './stress-referee.js';
export {
  makeSearch,
  strategyNames,
  type StrategyName,
  type StrategyOptions,
} from './strategies.js';
export { decodeToken, encodeToken, slug, type Token } from './token.js';
export { traceView, type ViewOptions } from './trace-view.js';
export { wrap, wrapHanging } from './wrap.js';
export { machineWorld, type MachineWorldOptions } from './world/machine-world.js';
export { memoryWorld, type MemoryWorld } from './world/memory-world.js';
