// ibv_comp_channel: where the events of armed completion queues are read.

import { Errno, type Scheduler, type Task, WaitQueue } from '../../lib/driver/index.js';
import type { UverbsFile } from './uverbs-file.js';

export class CompChannel {
  /** Handles of completion queues that had an event, oldest first. */
  readonly events: number[] = [];
  readonly arrived: WaitQueue;
  /** Completion queues that report here. */
  nrUsers = 0;

  constructor(sched: Scheduler) {
    this.arrived = new WaitQueue(sched, 'completion channel');
  }

  raise(cq: number): void {
    this.events.push(cq);
    this.arrived.wakeAll();
  }

  /** EBUSY while a completion queue reports here. */
  destroy(): void {
    if (this.nrUsers > 0) throw new Errno('EBUSY', `${this.nrUsers} completion queues report here`);
  }
}

export function createChannel(file: UverbsFile): { handle: number } {
  return { handle: file.objects.add('channel', new CompChannel(file.device.dev.sched)) };
}

export function destroyChannel(file: UverbsFile, arg: { handle: number }): void {
  using channel = file.objects.own<CompChannel>('channel', arg.handle);
  channel.object.destroy();
  file.objects.remove(channel.handle);
}

/** The next event of a channel. EAGAIN: none, and the file does not wait; EINTR. */
export async function getCQEvent(
  file: UverbsFile,
  arg: { channel: number },
  task: Task,
): Promise<{ cq: number }> {
  using channel = file.objects.use<CompChannel>('channel', arg.channel);
  const { events, arrived } = channel.object;
  await nextOf(file, task, events, arrived, 'a completion event');
  return { cq: events.shift()! };
}

/** Wait until list holds something. EAGAIN, EINTR. */
export async function nextOf(
  file: UverbsFile,
  task: Task,
  list: readonly unknown[],
  arrived: WaitQueue,
  why: string,
): Promise<void> {
  if (list.length > 0) return;
  if (file.nonblock()) throw new Errno('EAGAIN', `no ${why}`);
  await arrived.waitEvent(task, () => list.length > 0, { mode: 'interruptible', why });
}
