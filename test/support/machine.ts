// A small whole machine for tests of rules, and the questions they ask of it.

import type { ExecutionContext } from 'ava';
import rdma from '../../drivers/rdma/index.js';
import { isErrno } from '../../lib/errno.js';
import { bootMachine, type Machine, type MachineOptions, type Process } from '../../lib/machine.js';
import { MiB, ms } from '../../lib/units.js';
import { assertMachineBalanced } from './balance.js';

/** Virtual time, moved by the test; everything in memory; one adapter. */
export const smallMachine = (options: MachineOptions = {}): Promise<Machine> =>
  bootMachine({
    inMemory: true,
    size: 16 * MiB,
    ram: 16 * MiB,
    clock: 'virtual',
    timers: 'manual',
    seed: 1,
    drivers: [rdma],
    mounts: { '/': { flavor: 'ext4', dax: true }, '/cache': { flavor: 'ext4' } },
    ...options,
  });

/**
 * Boot a machine that is off, with its balance at zero, when the test's block ends:
 * `await using machine = await balancedMachine(t, options)`.
 */
export async function balancedMachine(
  t: ExecutionContext,
  options: MachineOptions,
): Promise<Machine> {
  return endsBalanced(t, await bootMachine(options));
}

/** The same for a machine that was booted already. */
export const endsBalanced = (t: ExecutionContext, machine: Machine): Machine =>
  Object.defineProperty(machine, Symbol.asyncDispose, {
    value: () => assertMachineBalanced(t, machine),
  });

/** Run body on a machine; whatever it does, the balance is zero afterwards. */
export async function onMachine(
  t: ExecutionContext,
  options: MachineOptions,
  body: (machine: Machine) => Promise<void>,
): Promise<void> {
  const machine = await smallMachine(options);
  try {
    await body(machine);
  } finally {
    await assertMachineBalanced(t, machine);
  }
}

/** 'ok', the errno, or 'waits' if nothing was answered within waitNs. */
export async function answer(
  machine: Machine,
  call: Promise<unknown>,
  waitNs = ms(100),
): Promise<string> {
  call.catch(() => {});
  if (!(await machine.sched.runUntil(call, waitNs))) return 'waits';
  try {
    await call;
    return 'ok';
  } catch (e) {
    if (isErrno(e)) return e.code;
    throw e;
  }
}

/** A file of len zeros that nobody has open. */
export async function makeFile(process: Process, path: string, len = 8192): Promise<void> {
  const fd = await process.open(path, ['rdwr', 'creat']);
  await process.write(fd, 0, new Uint8Array(len));
  await process.close(fd);
}
