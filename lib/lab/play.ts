// One play of a cell: the scene is set, then operation, DMA, holder and bystanders race.
//
//   set      files, holders, leases, pins: nothing of it is explored
//   0        the operation, a burst of DMA and what the holder does in the middle, all at once
//   then     who got the blocks writes another file; DMA goes on ever more rarely
//   240 s    horizon: what has not ended by then is hung, and its holders are killed
//   end      holders that live let go; what is left over is leaked
//
// Time is virtual, bytes are real. The same play runs live, with another clock and horizon.

import type { Machine } from '../machine.js';
import { type Task, WaitQueue } from '../sched/index.js';
import { ms, seconds } from '../units.js';
import { behaviours, mixed } from './behaviour.js';
import { Bystanders } from './bystanders.js';
import type { BehaviourName, Ending, FreeBlocks, Reclaimed } from './cell.js';
import { Holder } from './holder.js';
import { LeaseWatch, pinsOfFiles } from './lease-watch.js';
import { operations } from './operation.js';
import { lostPages, PageCheck } from './page-check.js';
import {
  corruptedBytes,
  freeBlocks,
  onPageCache,
  setScene,
  writeOther,
  type Scene,
  type SceneSpec,
} from './scene.js';
import { Traffic } from './traffic.js';

export interface PlayTimes {
  /** Between two transfers of a device that has a clock of its own. */
  readonly periodNs: number;
  /** What DMA is ahead of the operation; 0: a schedule says who comes first. */
  readonly headNs: number;
  /** What has not ended by then is hung. */
  readonly horizonNs: number;
  /** How long DMA is left going after the operation has ended, while anybody has pins. */
  readonly afterNs: number;
  /** For what is queued behind the last unpin. */
  readonly settleNs: number;
  /** What `answers-late` takes. */
  readonly lateNs: number;
  /** Between one transfer and the next. */
  readonly pausesNs: readonly number[];
}

/**
 * A burst when the operation begins; then one transfer between any two instants at which more
 * happens: bystanders at 1 ms, lease-break-time at 45 s, a grace to 50 s, late answers at 60 s.
 */
const burst = [0, 0, ms(1), ms(100)];

export const virtualTimes: PlayTimes = {
  periodNs: seconds(7), // never at an instant at which something else happens
  headNs: 0,
  horizonNs: seconds(240), // the longest road: a lease's 45 s, then 180 s of a recall
  afterNs: seconds(100),
  settleNs: seconds(1),
  lateNs: seconds(60),
  pausesNs: [...burst, ...[31, 14.5, 6, 10, 40].map(seconds)],
};

export class Play {
  readonly scene: Scene;
  readonly holders: readonly Holder[];
  readonly traffic: Traffic;
  readonly #times: PlayTimes;
  readonly #bystanders: Bystanders;
  readonly #leases: LeaseWatch;
  readonly #over: WaitQueue;
  /** Told when the operation begins and when it has ended, for a picture. */
  onOperation: ((what: 'begin' | 'end') => void) | null = null;
  #outcome = { end: 'hung', tookNs: 0, steps: 0 };
  #ended = false;
  #done = false;
  #holderStuck: string[] = [];
  #holderStates: string[] = [];
  #disk = { torn: 0, late: 0, lost: 0 };
  #free: FreeBlocks;
  readonly #check: PageCheck | null;
  #corrupted = 0;

  private constructor(scene: Scene, holders: readonly Holder[], times: PlayTimes) {
    this.scene = scene;
    this.holders = holders;
    this.#times = times;
    this.traffic = new Traffic(scene, times.pausesNs);
    this.#bystanders = new Bystanders(scene);
    this.#leases = new LeaseWatch(scene.machine);
    this.#over = new WaitQueue(scene.machine.sched, 'the end of the play');
    this.#check = scene.spec.operation === 'fsync' ? new PageCheck(scene) : null;
    this.#free = { before: freeBlocks(scene), after: null, held: null, end: null };
  }

  /** Set the scene. Call it inside a task, or from outside of a machine that drives itself. */
  static async set(
    machine: Machine,
    spec: SceneSpec,
    behaviour: BehaviourName,
    times = virtualTimes,
  ): Promise<Play> {
    const scene = await setScene(machine, spec, times.periodNs);
    const names = behaviour === 'mixture' ? mixed : [behaviour];
    const holders: Holder[] = [];
    for (const [i, name] of names.entries()) {
      const process = names.length === 1 ? 'app' : `app${i}`;
      const holder = new Holder(scene, behaviours[name], process, times.lateNs);
      await holder.enter();
      holders.push(holder);
    }
    return new Play(scene, holders, times);
  }

  /** No schedule of it will follow. */
  end(): void {
    this.#leases.stop();
    this.#check?.stop();
  }

  /** The tasks that race, by name. */
  get tasks(): readonly (readonly [string, (task: Task) => Promise<void>])[] {
    return [
      ['operation', (task) => this.#operate(task)],
      ...this.holders
        .filter(({ behaviour: b }) => b.dropsLease || b.exits !== null)
        .filter(() => this.scene.spec.operation !== 'exit')
        .map((h) => [h.process.name, () => h.misbehave()] as const),
      ['horizon', (task) => this.#watch(task)],
    ];
  }

  async #operate(task: Task): Promise<void> {
    const { machine, spec } = this.scene;
    const { sched } = machine;
    for (const holder of this.holders) {
      holder.listenToDriver();
      this.traffic.start(holder);
    }
    if (spec.act.periodic === true && onPageCache(spec.operation)) {
      await sched.clock.sleep(task, this.#times.periodNs);
    }
    if (this.#times.headNs > 0) await sched.clock.sleep(task, this.#times.headNs);
    this.#bystanders.start();
    const sinceNs = sched.clock.nowNs;
    this.#leases.begin();
    const before = sched.nrPoints;
    this.onOperation?.('begin');
    const end = await operations[spec.operation].run(this.scene, this.holders, task);
    this.onOperation?.('end');
    if (!this.#ended) {
      const steps = sched.nrPoints - before;
      this.#outcome = { end, tookNs: sched.clock.nowNs - sinceNs, steps };
    }
    this.#ended = true;
    this.#free = { ...this.#free, after: freeBlocks(this.scene) };
    if (this.#check !== null) this.#disk = { ...this.#check.look(), lost: 0 };
    if (!onPageCache(spec.operation)) await writeOther(this.scene);
    if (pinsOfFiles(machine) > 0) await sched.clock.sleep(task, this.#times.afterNs);
    await sched.clock.sleep(task, this.#times.settleNs);
    await this.#finish(task);
  }

  async #finish(task: Task): Promise<void> {
    const { machine, spec } = this.scene;
    this.#noteHolders();
    this.#free = { ...this.#free, held: freeBlocks(this.scene) };
    for (const holder of this.holders) await holder.letGo(task);
    await machine.clock.sleep(task, this.#times.settleNs);
    this.#free = { ...this.#free, end: freeBlocks(this.scene) };
    if (onPageCache(spec.operation)) {
      this.#disk = { ...this.#disk, lost: await lostPages(this.scene) };
    } else {
      this.#corrupted = await corruptedBytes(this.scene);
    }
    this.#over.wakeAll();
    this.#done = true;
  }

  /** At the horizon: what is under way is hung; killing the holders ends what can be ended. */
  async #watch(task: Task): Promise<void> {
    const { clock } = this.scene.machine;
    const untilNs = clock.nowNs + this.#times.horizonNs;
    await this.#over.waitEvent(task, () => this.#done, { why: 'the end', untilNs });
    if (this.#done) return;
    if (!this.#ended) this.#outcome = { end: 'hung', tookNs: this.#times.horizonNs, steps: 0 };
    this.#ended = true;
    this.#noteHolders();
    for (const { process } of this.holders) process.sendSignal('SIGKILL');
  }

  /** As they are now, before anybody is killed or lets go. */
  #noteHolders(): void {
    if (this.#holderStates.length > 0) return;
    const { machine } = this.scene;
    for (const holder of this.holders) {
      const { process, running, behaviour } = holder;
      this.#holderStuck.push(...holder.underWay);
      const status = process.waitStatus();
      const holds = machine.mm.pinTable.pinsOfProcess(process).some((p) => p.longterm);
      const longterm = this.scene.spec.act.pins === 'longterm';
      const lost = running !== null && longterm && !holds && !holder.hasLetGo;
      const exits = behaviour.exits !== null || this.scene.spec.operation === 'exit';
      if (status === 'running') this.#holderStates.push(lost ? 'lost pins' : 'running');
      else this.#holderStates.push(exits && status.startsWith('exit') ? 'exited' : status);
    }
  }

  ending(): Ending {
    const verdict = this.scene.machine.referee.verdict();
    this.#noteHolders();
    const { done, failed } = this.traffic;
    return {
      pin: this.holders.every((h) => h.pin === 'granted')
        ? 'granted'
        : [...new Set(this.holders.map((h) => h.pin))].join('+'),
      outcome: this.#outcome,
      holder: [...new Set(this.#holderStates)].join('+'),
      holderStuck: this.#holderStuck,
      transfers: { done, failed },
      stray: verdict.stray,
      corruptedBytes: this.#corrupted,
      unpinnedNs: this.#leases.unpinnedNs,
      free: this.#free,
      tornPages: this.#disk.torn,
      latePages: this.#disk.late,
      lostPages: this.#disk.lost,
      reclaim: summed(this.scene.reclaims),
      orphanedPeak: verdict.orphanedPeak,
      leaked: verdict.orphaned,
      stuck: this.#bystanders.stuck,
      first: this.#leases.first,
    };
  }
}

/** Every round together; null if there was none. */
function summed(rounds: readonly Reclaimed[]): Reclaimed | null {
  if (rounds.length === 0) return null;
  const sum = (of: (r: Reclaimed) => number): number => rounds.reduce((n, r) => n + of(r), 0);
  return {
    scanned: sum((r) => r.scanned),
    reclaimed: sum((r) => r.reclaimed),
    activated: sum((r) => r.activated),
    written: sum((r) => r.written),
    kept: sum((r) => r.kept),
  };
}
