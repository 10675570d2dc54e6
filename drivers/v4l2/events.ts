// V4L2 events of one open file: what it subscribed to, and what it has not fetched yet.
//
// A subscription keeps a few events; when there are more, the oldest goes, and the control that
// changed twice is told once (v4l2-event.c:__v4l2_event_queue_fh). Fetching with nothing there is
// ENOENT when O_NONBLOCK, else it sleeps.

import { Errno, WaitQueue, type Scheduler, type Task } from '../../lib/driver/index.js';

export const eventTypes = ['ALL', 'CTRL', 'EOS', 'FRAME_SYNC', 'SOURCE_CHANGE'] as const;
export type EventType = (typeof eventTypes)[number];
export const subscriptionFlags = ['SEND_INITIAL', 'ALLOW_FEEDBACK'] as const;
export type SubscriptionFlag = (typeof subscriptionFlags)[number];

export interface EventSubscription {
  readonly type: EventType;
  /** CTRL: the control. */
  readonly id?: string;
  readonly flags?: readonly SubscriptionFlag[];
}

export interface VideoEvent {
  readonly type: Exclude<EventType, 'ALL'>;
  readonly id: string;
  /** CTRL: the value. FRAME_SYNC: the frame. */
  readonly value: number;
  readonly timestampNs: number;
  /** Counts the events of the device that this file subscribed to; a gap means lost ones. */
  readonly sequence: number;
  /** Events that wait behind this one. */
  readonly pending: number;
}

interface Subscription {
  readonly spec: EventSubscription;
  readonly room: number;
  queued: number;
}

/** How many events of a kind wait before the oldest goes. */
const room: Record<Exclude<EventType, 'ALL'>, number> = {
  CTRL: 1,
  EOS: 1,
  FRAME_SYNC: 8,
  SOURCE_CHANGE: 1,
};

type Waiting = Omit<VideoEvent, 'pending'>;

export class EventQueue {
  readonly queue: WaitQueue;
  readonly #sched: Scheduler;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #waiting: Waiting[] = [];
  #sequence = 0;

  constructor(sched: Scheduler, label: string) {
    this.#sched = sched;
    this.queue = new WaitQueue(sched, `${label}: events`);
  }

  get pending(): boolean {
    return this.#waiting.length > 0;
  }

  /** Subscribing twice is harmless. The caller has checked that the node has such events. */
  subscribe(spec: EventSubscription & { readonly type: Exclude<EventType, 'ALL'> }): void {
    const key = keyOf(spec.type, spec.id ?? '');
    if (this.#subscriptions.has(key)) return;
    this.#subscriptions.set(key, { spec, room: room[spec.type], queued: 0 });
  }

  /** 'ALL' ends every subscription; what was not fetched goes with it. */
  unsubscribe(spec: EventSubscription): void {
    const gone = (key: string): boolean =>
      spec.type === 'ALL' || key === keyOf(spec.type, spec.id ?? '');
    for (const key of [...this.#subscriptions.keys()])
      if (gone(key)) this.#subscriptions.delete(key);
    const left = this.#waiting.filter((event) => !gone(keyOf(event.type, event.id)));
    this.#waiting.splice(0, this.#waiting.length, ...left);
  }

  /** Something happened. own: this file did it, which it is told only if it asked. */
  push(type: VideoEvent['type'], id: string, value: number, own = false): void {
    if (this.#subscriptions.size === 0) return;
    const key = keyOf(type, id);
    const subscription = this.#subscriptions.get(key);
    if (subscription === undefined) return;
    if (own && subscription.spec.flags?.includes('ALLOW_FEEDBACK') !== true) return;
    if (subscription.queued === subscription.room) {
      const oldest = this.#waiting.findIndex((event) => keyOf(event.type, event.id) === key);
      this.#waiting.splice(oldest, 1);
      subscription.queued--;
    }
    subscription.queued++;
    const timestampNs = this.#sched.clock.nowNs;
    this.#waiting.push({ type, id, value, timestampNs, sequence: this.#sequence++ });
    this.queue.wakeAll();
  }

  /** DQEVENT. ENOENT, EINTR. */
  async dequeue(task: Task, nonblock: boolean): Promise<VideoEvent> {
    if (!this.pending && nonblock) throw new Errno('ENOENT', 'no event is pending');
    await this.queue.waitEvent(task, () => this.pending, { why: 'a video event' });
    const event = this.#waiting.shift()!;
    const subscription = this.#subscriptions.get(keyOf(event.type, event.id));
    if (subscription !== undefined) subscription.queued--;
    return { ...event, pending: this.#waiting.length };
  }
}

const keyOf = (type: EventType, id: string): string => `${type} ${id}`;
