// Goal: leases behave as a plain model of one paragraph each says, for any sequence of calls.
// Method: fast-check draws opens (non-blocking), closes, F_SETLEASE, F_GETLEASE, F_SETDELEG,
// F_GETDELEG, changes of attributes that do not wait, and passing time; the model is written from
// the man pages F_SETLEASE(2const) and F_GETDELEG(2const) and knows nothing of the code.

import test from 'ava';
import fc from 'fast-check';
import { LeaseWorld, type Answer, type Step } from './lease-world.js';

type Mode = 'rdonly' | 'wronly' | 'rdwr';
type Type = 'rd' | 'wr';

type Flavour = 'lease' | 'deleg';

interface ModelLease {
  /** What it was taken as; the other command changes its type only. */
  readonly flavour: Flavour;
  type: Type;
  downgrade: boolean;
  unlock: boolean;
  downgradeAtMs: number;
  unlockAtMs: number;
}

interface ModelFile {
  readonly mode: Mode;
  readonly by: string;
  lease: ModelLease | null;
  /** Whom F_SETLEASE made the owner of its signals. */
  owner: string | null;
}

/** The whole truth about one file, as slowly as possible. */
class Model {
  readonly files = new Map<string, ModelFile>();
  readonly signals = new Map<string, Set<string>>();
  /** Whether the kernel has F_SETDELEG. */
  readonly delegations: boolean;
  nowMs = 0;
  breakMs = 45_000;

  constructor(delegations: boolean) {
    this.delegations = delegations;
  }

  #writes = (f: ModelFile) => f.mode !== 'rdonly';

  /** Deadlines act when somebody opens, or asks for or about a type. */
  #clock(): void {
    for (const f of this.files.values()) {
      const l = f.lease;
      if (l === null) continue;
      if (l.downgradeAtMs > 0 && this.nowMs >= l.downgradeAtMs) {
        l.type = 'rd';
        l.downgrade = false;
      }
      if (l.unlockAtMs > 0 && this.nowMs >= l.unlockAtMs) this.#end(f);
    }
  }

  #end(f: ModelFile): void {
    f.lease = null;
    f.owner = null;
  }

  open(as: string, mode: Mode, by: string): Answer {
    this.#clock();
    const writes = mode !== 'rdonly';
    const held = [...this.files.values()].filter((f) => f.lease !== null);
    const hit = held.filter((f) => writes || f.lease!.type === 'wr');
    for (const f of hit) this.#ask(f, writes);
    if (hit.length > 0) return 'EAGAIN';
    this.files.set(as, { mode, by, lease: null, owner: null });
    return 'ok';
  }

  /** chmod, or any change that leases do not mind and delegations do. */
  setattr(): Answer {
    this.#clock();
    const hit = [...this.files.values()].filter((f) => f.lease?.flavour === 'deleg');
    for (const f of hit) this.#ask(f, true);
    return hit.length > 0 ? 'EAGAIN' : 'ok';
  }

  #ask(f: ModelFile, writes: boolean): void {
    const l = f.lease!;
    const deadline = this.breakMs === 0 ? 0 : this.nowMs + this.breakMs;
    if (writes ? l.unlock : l.unlock || l.downgrade) return;
    if (writes) [l.unlock, l.unlockAtMs] = [true, deadline];
    else [l.downgrade, l.downgradeAtMs] = [true, deadline];
    this.#signalled(f.owner!);
  }

  close(fd: string): Answer {
    this.files.delete(fd);
    return 'ok';
  }

  set(fd: string, type: Type | 'un', by: string, flavour: Flavour): Answer {
    if (flavour === 'deleg' && !this.delegations) return 'EINVAL';
    const f = this.files.get(fd)!;
    if (type === 'un') {
      if (f.lease === null) return 'EAGAIN';
      this.#end(f);
      return 'ok';
    }
    this.#clock();
    const others = [...this.files.values()].filter((g) => g !== f);
    if (type === 'rd' && [...this.files.values()].some(this.#writes)) return 'EAGAIN';
    if (type === 'wr' && others.length > 0) return 'EAGAIN';
    if (others.some((g) => g.lease?.unlock === true)) return 'EAGAIN';
    f.owner ??= by;
    if (f.lease === null) {
      f.lease = { flavour, type, downgrade: false, unlock: false, downgradeAtMs: 0, unlockAtMs: 0 };
    } else {
      f.lease.type = type;
      if (type === 'rd') f.lease.downgrade = false;
    }
    return 'ok';
  }

  get(fd: string, flavour: Flavour): Answer {
    if (flavour === 'deleg' && !this.delegations) return 'EINVAL';
    this.#clock();
    const l = this.files.get(fd)!.lease;
    if (l === null || l.flavour !== flavour || l.unlock) return 'F_UNLCK';
    return l.downgrade || l.type === 'rd' ? 'F_RDLCK' : 'F_WRLCK';
  }

  taken(by: string): Answer {
    const came = this.signals.get(by);
    this.signals.delete(by);
    return came === undefined ? 'none' : [...came].join(',');
  }

  #signalled(by: string): void {
    this.signals.set(by, new Set(['SIGIO']));
  }
}

const process = fc.constantFrom('A', 'B', 'C');
const fd = fc.constantFrom('f1', 'f2', 'f3');
const command = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('open'),
      as: fd,
      by: process,
      mode: fc.constantFrom<Mode>('rdonly', 'wronly', 'rdwr'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('close'), fd }) },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constantFrom('lease', 'deleg'),
      fd,
      type: fc.constantFrom<Type | 'un'>('rd', 'wr', 'un'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constantFrom('getlease', 'getdeleg'), fd }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('setattr'), by: process }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('signals'), by: process }) },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('sleep'),
      ms: fc.constantFrom(1, 10_000, 44_999, 45_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('lease_break_time'), s: fc.constantFrom(0, 2, 45) }),
  },
);
type Command = {
  readonly op: string;
  readonly as?: string;
  readonly by?: string;
  readonly fd?: string;
  readonly mode?: Mode;
  readonly type?: Type | 'un';
  readonly ms?: number;
  readonly s?: number;
};

/** One command on the model and, if it makes sense there, as a recorded step. */
function step(model: Model, c: Command): { readonly step: Step; readonly answer: Answer } | null {
  const { op } = c;
  const file = c.fd === undefined ? undefined : model.files.get(c.fd);
  if (c.fd !== undefined && file === undefined) return null;
  const by = c.by ?? file?.by ?? 'A';
  switch (op) {
    case 'open': {
      if (model.files.has(c.as!)) return null;
      const step = { op, as: c.as!, by, name: 'f', flags: [c.mode!, 'creat', 'nonblock'] };
      return { step, answer: model.open(c.as!, c.mode!, by) };
    }
    case 'close':
      return { step: { op, fd: c.fd!, by }, answer: model.close(c.fd!) };
    case 'lease':
    case 'deleg': {
      const type = c.type!;
      return { step: { op, fd: c.fd!, by, type }, answer: model.set(c.fd!, type, by, op) };
    }
    case 'getlease':
    case 'getdeleg': {
      const flavour = op === 'getlease' ? 'lease' : 'deleg';
      return { step: { op, fd: c.fd!, by }, answer: model.get(c.fd!, flavour) };
    }
    case 'setattr':
      if (model.files.size === 0) return null;
      return { step: { op, by, name: 'f' }, answer: model.setattr() };
    case 'signals':
      return { step: { op, by }, answer: model.taken(by) };
    case 'sleep':
      model.nowMs += c.ms!;
      return { step: { op, ms: c.ms!, bg: true, as: 'nap', by: 'A' }, answer: 'blocked' };
    default:
      model.breakMs = c.s! * 1000;
      return { step: { op: 'lease_break_time', s: c.s!, by: 'A' }, answer: 'ok' };
  }
}

const kernels = fc.constantFrom('6.12', '7.2');

test('any sequence of lease calls answers as the model does', async (t) => {
  await fc.assert(
    fc.asyncProperty(kernels, fc.array(command, { maxLength: 40 }), async (kernel, commands) => {
      const model = new Model(kernel === '7.2');
      const world = new LeaseWorld(kernel);
      let nr = 0;
      for (const c of commands) {
        const todo = step(model, c);
        if (todo === null) continue;
        if (c.op === 'sleep') {
          await world.sched.runFor(c.ms! * 1_000_000);
          continue;
        }
        const answer = await world.play(todo.step);
        t.is(answer, todo.answer, `step ${++nr}: ${JSON.stringify(todo.step)}`);
      }
    }),
    { numRuns: 1500, seed: 20190808 },
  );
});
