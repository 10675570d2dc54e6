// The compliance suite: what every driver owes the core, as tests of the author's own runner.
//
//   complianceSuite(test, { driver, hardware: () => new MyHardware(), nodes: ['mine0'] })
//
// It needs no machine: it brings a small one of its own (memory only). `exercise` may say what an
// application does with an open node; it is run again with every n-th call of the Device failing,
// and after each run nothing may be left.

import assert from 'node:assert/strict';
import { Errno, type ErrnoCode, isErrno } from '../errno.js';
import { type KernelName, kernelNames, kernelRules } from '../kernel-rules.js';
import type { Caller } from '../mm/caller.js';
import type { MMEnv } from '../mm/mm-env.js';
import { Scheduler, type Task } from '../sched/index.js';
import { DriverCore } from './core.js';
import type { Driver } from './driver.js';
import type { DeviceCall } from './filters.js';
import { failNth } from './filters.js';
import type { NodeFile } from './node-file.js';
import { complianceCaller, complianceMemory } from './compliance-machine.js';

/** The little that is asked of a test runner: ava's test() fits. */
export type TestFunction = (title: string, fn: (t: TestContext) => Promise<void>) => void;

export interface TestContext {
  is(actual: unknown, expected: unknown, message?: string): unknown;
  deepEqual(actual: unknown, expected: unknown, message?: string): unknown;
  true(value: unknown, message?: string): unknown;
}

export interface ExerciseContext {
  readonly file: NodeFile;
  readonly caller: Caller;
  /** Map nrPages of private anonymous memory; its address. */
  map(nrPages: number): Promise<number>;
}

export interface ComplianceOptions<Hardware, State> {
  readonly driver: Driver<Hardware, State>;
  /** Fresh hardware for each machine. */
  hardware(): Hardware;
  /** The nodes that a device of it publishes when its name is name. */
  nodes(name: string): readonly string[];
  /** What an application does with the first node. Errno is no failure; a leak is. */
  exercise?(ctx: ExerciseContext): Promise<void>;
  readonly kernels?: readonly KernelName[];
}

interface Bench {
  readonly env: MMEnv;
  readonly core: DriverCore;
  readonly name: string;
  /** False: probe() was refused a call, and refused the device. */
  readonly probed: boolean;
  readonly nodes: readonly string[];
  run<T>(fn: (task: Task) => Promise<T>): Promise<T>;
  /** What is left: pins, charges, pages. */
  leftovers(): string[];
}

const NAME = 'dut0';

function bench<H, S>(
  opts: ComplianceOptions<H, S>,
  kernel: KernelName,
  fail?: { readonly call: DeviceCall; readonly n: number; readonly code: ErrnoCode },
): Bench {
  const sched = new Scheduler({ mode: 'simulated', seed: 1 });
  const memory = complianceMemory(sched, kernelRules[kernel]);
  const core = new DriverCore({ sched, mm: memory.env, iommu: 'strict' });
  core.register(opts.driver);
  const probed = accepted(() =>
    core.addDevice(opts.driver.idTable[0]!.compatible, opts.hardware(), {
      name: NAME,
      ...(fail !== undefined && { filter: (dev) => failNth(dev, fail.call, fail.n, fail.code) }),
    }),
  );
  assert(probed || fail !== undefined, `${opts.driver.name} refuses its own hardware`);
  return {
    env: memory.env,
    core,
    name: NAME,
    probed,
    nodes: opts.nodes(NAME),
    run: (fn) => sched.run('compliance', fn),
    leftovers: memory.leftovers,
  };
}

function accepted(fn: () => unknown): boolean {
  try {
    fn();
    return true;
  } catch (e) {
    if (isErrno(e)) return false;
    throw e;
  }
}

/** Open, exercise, close, unbind; what the driver leaked, by name, and what memory says. */
async function wholeLife<H, S>(opts: ComplianceOptions<H, S>, b: Bench): Promise<string[]> {
  if (!b.probed) return b.leftovers();
  return b.run(async (task) => {
    const app = complianceCaller(b, task);
    try {
      const file = await b.core.openNode(app.caller, b.nodes[0]!);
      try {
        await opts.exercise?.({ file, caller: app.caller, map: app.map });
      } finally {
        await file.release(task);
      }
    } catch (e) {
      if (!isErrno(e)) throw e;
    }
    const leaked = await b.core.unbind(task, b.name);
    await app.exit();
    return [...leaked.map(({ kind, label }) => `${kind}: ${label}`), ...b.leftovers()];
  });
}

const failures: readonly { readonly call: DeviceCall; readonly code: ErrnoCode }[] = [
  { call: 'allocPages', code: 'ENOMEM' },
  { call: 'faultRange', code: 'EFAULT' },
  { call: 'pinUserPages', code: 'EFAULT' },
  { call: 'watchRange', code: 'EINVAL' },
];

/** Declare the tests. Titles begin with the driver's name. */
export function complianceSuite<H, S>(test: TestFunction, opts: ComplianceOptions<H, S>): void {
  const { driver } = opts;
  for (const kernel of opts.kernels ?? kernelNames) {
    test(`${driver.name} on ${kernel}: unbinding leaves nothing of its nodes`, (t) =>
      bindsAndUnbinds(t, opts, kernel));
    test(`${driver.name} on ${kernel}: a whole life of a node leaves nothing`, async (t) => {
      t.deepEqual(await wholeLife(opts, bench(opts, kernel)), []);
    });
  }
  test(`${driver.name}: a request it does not know is ENOTTY and changes nothing`, (t) =>
    unknownRequest(t, opts));
  test(`${driver.name}: a call after the device is gone is ENODEV`, (t) =>
    callAfterUnbind(t, opts));
  for (const { call, code } of failures) {
    test(`${driver.name}: ${call} failing at its n-th call leaks nothing`, async (t) => {
      for (let n = 1; n <= 6; n++) {
        const left = await wholeLife(opts, bench(opts, 'proposed', { call, n, code }));
        t.deepEqual(left, [], `call ${n}`);
      }
    });
  }
}

async function bindsAndUnbinds<H, S>(
  t: TestContext,
  opts: ComplianceOptions<H, S>,
  kernel: KernelName,
): Promise<void> {
  const b = bench(opts, kernel);
  t.deepEqual([...b.core.nodes].sort(), [...b.nodes].sort());
  const leaked = await b.run((task) => b.core.unbind(task, b.name));
  t.deepEqual(leaked, []);
  t.deepEqual(b.core.nodes, []);
  t.deepEqual(b.leftovers(), []);
}

async function refusal(fn: () => Promise<unknown>): Promise<string> {
  try {
    await fn();
    return 'ok';
  } catch (e) {
    assert(e instanceof Errno, `refused by something that is no Errno: ${String(e)}`);
    return e.code;
  }
}

async function unknownRequest<H, S>(t: TestContext, opts: ComplianceOptions<H, S>): Promise<void> {
  const b = bench(opts, 'proposed');
  await b.run(async (task) => {
    const app = complianceCaller(b, task);
    const file = await b.core.openNode(app.caller, b.nodes[0]!);
    t.is(await refusal(() => file.ioctl(app.caller, 'NO_SUCH_REQUEST', {})), 'ENOTTY');
    await file.release(task);
    t.deepEqual(await b.core.unbind(task, b.name), []);
    await app.exit();
  });
}

async function callAfterUnbind<H, S>(t: TestContext, opts: ComplianceOptions<H, S>): Promise<void> {
  const b = bench(opts, 'proposed');
  await b.run(async (task) => {
    const app = complianceCaller(b, task);
    const file = await b.core.openNode(app.caller, b.nodes[0]!);
    t.deepEqual(await b.core.unbind(task, b.name), []);
    t.is(await refusal(() => file.ioctl(app.caller, 'NO_SUCH_REQUEST', {})), 'ENODEV');
    t.is(await refusal(() => b.core.openNode(app.caller, b.nodes[0]!)), 'ENOENT');
    await app.exit();
  });
}
