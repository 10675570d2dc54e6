// ibv_cq: a completion queue of an application.

import { Errno, type Task } from '../../lib/driver/index.js';
import { checkBoolean, checkInt, orElse } from './args.js';
import type { CompChannel } from './channel.js';
import { ringCapacity, type CompletionQueue } from './completion-queue.js';
import { hcaLimits } from './hca.js';
import type { UverbsFile } from './uverbs-file.js';
import type { WC } from './wc.js';

export class CQ {
  readonly hw: CompletionQueue;
  readonly channel: CompChannel | null;

  constructor(hw: CompletionQueue, channel: CompChannel | null) {
    this.hw = hw;
    this.channel = channel;
    if (channel !== null) channel.nrUsers++;
  }
}

/** EINVAL: cqe not of 1..max, or no such completion vector (rxe_cq_chk_attr). */
export function createCQ(
  file: UverbsFile,
  arg: { cqe: number; channel?: number; compVector?: number },
): { handle: number; cqe: number } {
  checkInt('cqe', arg.cqe, 1, hcaLimits.maxCQE);
  checkInt('comp_vector', orElse(arg.compVector, 0), 0, hcaLimits.numCompVectors - 1);
  using channel =
    arg.channel === undefined ? null : file.objects.use<CompChannel>('channel', arg.channel);
  const hw = file.device.hca.createCQ(arg.cqe);
  const cq = new CQ(hw, channel?.object ?? null);
  const handle = file.objects.add('cq', cq);
  hw.onEvent = () => cq.channel?.raise(handle);
  hw.onOverflow = () => file.raise({ type: 'CQ_ERR', element: handle });
  return { handle, cqe: hw.capacity };
}

/** EINVAL: smaller than what nobody has polled yet, or not of 1..max. */
export function resizeCQ(file: UverbsFile, arg: { cq: number; cqe: number }): { cqe: number } {
  using cq = file.objects.own<CQ>('cq', arg.cq);
  const { hw } = cq.object;
  checkInt('cqe', arg.cqe, 1, hcaLimits.maxCQE);
  if (arg.cqe < hw.length) {
    throw new Errno('EINVAL', `resize_cq: ${hw.length} completions do not fit in ${arg.cqe}`);
  }
  hw.capacity = ringCapacity(arg.cqe);
  return { cqe: hw.capacity };
}

/** Take completions, without waiting. */
export function pollCQ(file: UverbsFile, arg: { cq: number; max: number }): readonly WC[] {
  using cq = file.objects.use<CQ>('cq', arg.cq);
  return cq.object.hw.poll(checkInt('number of completions', arg.max, 1, hcaLimits.maxCQE));
}

/** Take completions; wait for the first until timeoutNs are over, then the list is empty. EINTR. */
export async function waitCQ(
  file: UverbsFile,
  arg: { cq: number; max: number; timeoutNs?: number },
  task: Task,
): Promise<readonly WC[]> {
  using cq = file.objects.use<CQ>('cq', arg.cq);
  const { hw } = cq.object;
  const max = checkInt('number of completions', arg.max, 1, hcaLimits.maxCQE);
  const { timeoutNs } = arg;
  if (timeoutNs !== undefined) checkInt('timeout', timeoutNs, 0, Number.MAX_SAFE_INTEGER);
  await hw.arrived.waitEvent(task, () => hw.length > 0, {
    mode: 'interruptible',
    why: `a completion on CQ ${hw.cqn}`,
    ...(timeoutNs !== undefined && { untilNs: task.sched.clock.nowNs + timeoutNs }),
  });
  return hw.poll(max);
}

export function reqNotifyCQ(file: UverbsFile, arg: { cq: number; solicitedOnly: boolean }): void {
  using cq = file.objects.use<CQ>('cq', arg.cq);
  cq.object.hw.arm(checkBoolean('solicitedOnly', arg.solicitedOnly));
}

/** EBUSY while a queue pair completes here. */
export function destroyCQObject(cq: CQ): void {
  if (cq.hw.nrUsers > 0) throw new Errno('EBUSY', `${cq.hw.nrUsers} queues complete here`);
  if (cq.channel !== null) cq.channel.nrUsers--;
}

export function destroyCQ(file: UverbsFile, arg: { handle: number }): void {
  using cq = file.objects.own<CQ>('cq', arg.handle);
  destroyCQObject(cq.object);
  const { events } = cq.object.channel ?? { events: [] };
  for (let i = events.length - 1; i >= 0; i--) if (events[i] === cq.handle) events.splice(i, 1);
  file.objects.remove(cq.handle);
}
