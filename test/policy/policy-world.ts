// A world of one file, one application that pins it and one administrator who truncates it.
//
// It runs the loop of a layout change as the file system does, on real leases and a virtual clock,
// with pins and pages that are only counts: what is under test is the policy's answers.

import { Errno, isErrno, type ErrnoCode } from '../../lib/errno.js';
import { kernelRules } from '../../lib/kernel-rules.js';
import { Escalation } from '../../lib/lease/last-resort.js';
import type { BusyVerdict, LayoutChange, LayoutPolicy } from '../../lib/lease/layout.js';
import { LeaseContext } from '../../lib/lease/lease-context.js';
import { defaultLeaseSettings } from '../../lib/lease/leased-inode.js';
import type { FileLease, LeaseManager } from '../../lib/lease/lease.js';
import { takeMapDirect } from '../../lib/lease/map-direct.js';
import type { ProcessLike } from '../../lib/mm/caller.js';
import type { PinIntent } from '../../lib/mm/mm-env.js';
import type { PinnedPages } from '../../lib/mm/pinned-pages.js';
import type { VMA } from '../../lib/mm/vma.js';
import { Scheduler, Task, WaitQueue } from '../../lib/sched/index.js';
import { posOf, seconds } from '../../lib/units.js';
import { FakeFile, FakeInode, FakeProcess } from '../lease/lease-world.js';

export interface FakePinSpec {
  readonly longterm?: boolean;
  readonly process?: ProcessLike | null;
}

/** What policies look at in a pin, and no more. */
export function fakePin(spec: FakePinSpec = {}): PinnedPages {
  const { longterm = true, process = null } = spec;
  const origin = { process, device: 'rdma0', deviceFile: '/dev/rdma0', dataFile: '/data' };
  return { longterm, origin } as unknown as PinnedPages;
}

/** A truncate to 0, or whatever else. */
export function fakeChange(more: Partial<LayoutChange> = {}): LayoutChange {
  return {
    op: 'truncate',
    inode: { label: 'f', ino: 12, mapping: null as never },
    start: 0,
    end: Infinity,
    caller: null,
    task: null as never,
    mayFail: true,
    interruptible: true,
    nonblock: false,
    ...more,
  };
}

export interface Behaviour {
  readonly lease: 'none' | 'shared' | 'exclusive' | 'map-direct';
  /** On SIGIO: unpins and gives the lease up · gives up the lease alone · does nothing. */
  readonly sigio: 'cooperates' | 'drops lease' | 'ignores';
  /** On SIGBUS: no handler · a handler that unpins · one that does nothing. */
  readonly sigbus: 'dies' | 'unpins' | 'ignores';
  /** When called back: gives the pages up · never answers. `irrevocable` said so from the start. */
  readonly revoke: 'answers' | 'deaf' | 'irrevocable';
  /** Which descriptor is released first at exit: the device's, or the file's. */
  readonly exit: 'pins first' | 'lease first';
}

export interface Outcome {
  /** What the long-term pin answered. */
  readonly pin: ErrnoCode | 'ok';
  readonly truncate: ErrnoCode | 'done' | 'hung';
  /** When the truncate ended, after its start; Infinity: it hung. */
  readonly atNs: number;
  /** What became of blocks that were referenced when the layout changed. */
  readonly blocks: 'idle-first' | 'orphan' | 'busy' | 'free';
  /** Signals that the application got, in order, with the second each came in. */
  readonly signals: readonly string[];
  readonly killed: boolean;
  readonly revoked: boolean;
  /** A layout lease of the application ended while its pins were there. */
  readonly leaseWentFirst: boolean;
  /** Pins when all was over. */
  readonly pinsLeft: number;
}

const horizonNs = seconds(3000);

export class PolicyWorld {
  readonly sched = new Scheduler({ mode: 'simulated', timers: 'manual' });
  readonly settings = defaultLeaseSettings();
  readonly inode = new FakeInode('f');
  readonly leases: LeaseContext;
  readonly policy: LayoutPolicy;
  readonly app: FakeProcess;
  readonly file: FakeFile;
  readonly pins = new Set<PinnedPages>();
  readonly #behaviour: Behaviour;
  readonly #rules;
  readonly #idle = new WaitQueue(this.sched, 'pages to become idle');
  readonly #caller;
  readonly vma: VMA;
  /** The task of the truncate under way. */
  truncating: Task | null = null;
  readonly #signals: string[] = [];
  #killed = false;
  #revoked = false;
  #leaseWentFirst = false;

  constructor(policy: LayoutPolicy, behaviour: Behaviour) {
    this.policy = policy;
    this.#behaviour = behaviour;
    this.#rules = { ...kernelRules.proposed, ...policy.rules };
    this.app = new FakeProcess(7, 'app');
    this.app.sendSignal = (sig) => this.#signalled(sig);
    this.inode.policy = policy;
    this.inode.pins = () => [...this.pins].filter((p) => p.longterm);
    const { sched, settings } = this;
    this.leases = new LeaseContext({ sched, rules: this.#rules, settings }, this.inode);
    this.file = new FakeFile(this.inode, 'rdwr');
    this.file.leaseGone = () => (this.#leaseWentFirst ||= this.pins.size > 0);
    this.#caller = { task: new Task(sched, 999, 'app', false), process: this.app };
    const span = { pgoff: 0, start: 0, end: posOf(3) };
    this.vma = { ...span, mm: {}, file: this.file, flags: {}, mapping: null } as unknown as VMA;
  }

  /** Whatever lease the behaviour has the application take. */
  takeLease(): FileLease | null {
    const { lease } = this.#behaviour;
    if (lease === 'none') return null;
    if (this.policy.promises.lease === 'SEAL') {
      this.inode.immutable = true;
      return null;
    }
    const dax = { dax: true, label: 'f' };
    const { leases } = this;
    if (lease === 'map-direct') {
      return takeMapDirect(
        leases,
        { ...this.#rules, mapDirect: true },
        this.#caller,
        this.vma,
        dax,
      );
    }
    const exclusive = lease === 'exclusive';
    return leases.setLease(this.#caller, this.file, 'F_RDLCK', { kind: 'LAYOUT', exclusive });
  }

  /** Pin as gup does: the kernel rule, then the policy. */
  pin(longterm: boolean): ErrnoCode | 'ok' {
    if (longterm && this.#rules.longtermFsdax === 'EOPNOTSUPP') return 'EOPNOTSUPP';
    const irrevocable = longterm && this.#behaviour.revoke === 'irrevocable';
    const intent: PinIntent = {
      ...{ mapping: null as never, vma: this.vma, pgoff: 0, nrPages: 3, write: true },
      ...{ longterm, irrevocable, process: this.app },
    };
    try {
      this.policy.admitPin?.(intent, this.leases);
    } catch (e) {
      if (isErrno(e)) return e.code;
      throw e;
    }
    this.pins.add(fakePin({ longterm, process: this.app }));
    return 'ok';
  }

  unpin(pins: Iterable<PinnedPages> = [...this.pins]): void {
    for (const pin of pins) this.pins.delete(pin);
    this.#idle.wakeAll();
    this.leases.pinsChanged();
  }

  /** Have a waiting change look again. */
  wake(): void {
    this.#idle.wakeAll();
  }

  /** A layout that a server in the kernel holds for a client. */
  layout(holder: FakeFile, manager: LeaseManager): FileLease {
    return this.leases.setLease(this.#caller, holder, 'F_RDLCK', { kind: 'LAYOUT', manager });
  }

  /** Truncate in a task of its own, and see how it ended within an hour. */
  async truncate(pin: Outcome['pin'], more: Partial<LayoutChange> = {}): Promise<Outcome> {
    const startNs = this.sched.clock.nowNs;
    let blocks: Outcome['blocks'] = 'idle-first';
    let atNs = Infinity;
    const handle = this.sched.spawn('truncate', async (task) => {
      this.truncating = task;
      try {
        const caller = { task, process: new FakeProcess(8, 'admin') };
        blocks = await this.#change(fakeChange({ task, caller, ...more }));
        return 'done' as const;
      } catch (e) {
        if (isErrno(e)) return e.code;
        throw e;
      } finally {
        atNs = this.sched.clock.nowNs - startNs;
      }
    });
    const ended = await this.sched.runUntil(handle.promise, horizonNs);
    const truncate = ended ? await handle.promise : 'hung';
    await this.sched.settle();
    return {
      ...{ pin, truncate, atNs: ended ? atNs : Infinity, blocks },
      ...{ signals: this.#signals, killed: this.#killed, revoked: this.#revoked },
      ...{ leaseWentFirst: this.#leaseWentFirst, pinsLeft: this.pins.size },
    };
  }

  /** The file system's loop, without its locks. */
  async #change(c: LayoutChange): Promise<Outcome['blocks']> {
    const { policy, leases } = this;
    const breaks = c.op !== 'evict' && policy.beforeChange !== undefined;
    do {
      if (breaks) await policy.beforeChange!(c, leases);
    } while (breaks && leases.layoutConflict(c));
    const { clock } = this.sched;
    const sinceNs = clock.nowNs;
    const steps = new Escalation(policy, c);
    while (this.pins.size > 0) {
      const { verdict, pins } = steps.next([...this.pins], clock.nowNs - sinceNs);
      if (verdict.do === 'proceed') return verdict.blocks;
      await this.#act(c, verdict, pins, sinceNs);
    }
    return 'idle-first';
  }

  async #act(
    c: LayoutChange,
    verdict: Exclude<BusyVerdict, { do: 'proceed' }>,
    pins: readonly PinnedPages[],
    sinceNs: number,
  ): Promise<void> {
    switch (verdict.do) {
      case 'fail':
        throw new Errno(verdict.errno, 'the policy said so');
      case 'revoke':
      case 'fence':
        this.#revoked = true;
        if (this.#behaviour.revoke === 'answers' || verdict.do === 'fence') this.unpin(pins);
        return;
      case 'signal':
        for (const p of new Set(pins.map((pin) => pin.origin.process))) p?.sendSignal(verdict.sig);
        return;
      case 'wait': {
        const free = c.interruptible && verdict.uninterruptible !== true;
        await this.#idle.wait(c.task, {
          mode: free ? 'interruptible' : 'uninterruptible',
          why: this.#idle.label,
          ...(verdict.untilNs !== undefined && { untilNs: sinceNs + verdict.untilNs }),
        });
      }
    }
  }

  #signalled(sig: string): void {
    this.#signals.push(`${sig} at ${this.sched.clock.nowNs / 1e9} s`);
    const { sigio, sigbus } = this.#behaviour;
    if (sig === 'SIGKILL' || (sig === 'SIGBUS' && sigbus === 'dies')) this.#exit();
    else if (sig === 'SIGBUS' && sigbus === 'unpins') this.#later(async () => this.unpin());
    else if (sig === 'SIGIO' && sigio !== 'ignores') this.#later((task) => this.#answer(task));
  }

  async #answer(task: Task): Promise<void> {
    if (this.#behaviour.sigio === 'cooperates') this.unpin();
    try {
      await this.leases.unlock({ task, process: this.app }, this.file);
    } catch (e) {
      if (!isErrno(e)) throw e; // refused: it has pins, or no lease of its own
    }
  }

  #exit(): void {
    if (this.#killed) return;
    this.#killed = true;
    this.app.exiting = true;
    this.#later(async (task) => {
      if (this.#behaviour.exit === 'pins first') this.unpin();
      await this.leases.release(task, this.file, 'exit');
      this.unpin();
    });
  }

  #later(fn: (task: Task) => Promise<void>): void {
    this.sched.spawn('app', fn);
  }
}

/** The application takes its lease and pins; then the file is truncated. */
export async function play(policy: LayoutPolicy, behaviour: Behaviour): Promise<Outcome> {
  const world = new PolicyWorld(policy, behaviour);
  world.takeLease();
  return world.truncate(world.pin(true));
}

/** Somebody's I/O is under way, and ends after a second. */
export async function playShort(policy: LayoutPolicy): Promise<Outcome> {
  const world = new PolicyWorld(policy, polite);
  const pin = world.pin(false);
  world.sched.spawn('I/O', async (task) => {
    await world.sched.clock.sleep(task, seconds(1));
    world.unpin();
  });
  return world.truncate(pin);
}

/** A long-term pin, and the eviction of the file under it. */
export async function playEviction(policy: LayoutPolicy): Promise<Outcome> {
  const world = new PolicyWorld(policy, { ...stubborn, lease: 'exclusive' });
  world.takeLease();
  const pin = world.pin(true);
  const forced = { op: 'evict', mayFail: false, interruptible: false, caller: null } as const;
  return world.truncate(pin, forced);
}

export const polite: Behaviour = {
  lease: 'exclusive',
  sigio: 'cooperates',
  sigbus: 'dies',
  revoke: 'answers',
  exit: 'pins first',
};

/** Holds an exclusive lease and its pins, and reacts to nothing it can ignore. */
export const stubborn: Behaviour = { ...polite, sigio: 'ignores', sigbus: 'ignores' };

/** Every behaviour there is. */
export function* behaviours(): Generator<Behaviour> {
  for (const lease of ['none', 'shared', 'exclusive', 'map-direct'] as const) {
    for (const sigio of ['cooperates', 'drops lease', 'ignores'] as const) {
      for (const sigbus of ['dies', 'unpins', 'ignores'] as const) {
        for (const revoke of ['answers', 'deaf', 'irrevocable'] as const) {
          for (const exit of ['pins first', 'lease first'] as const) {
            yield { lease, sigio, sigbus, revoke, exit };
          }
        }
      }
    }
  }
}
