// struct v4l2_fh: one open file of a video node.

import type { OpenNode, Scheduler } from '../../lib/driver/index.js';
import { EventQueue } from './events.js';
import type { QueueHandle } from './queue-node.js';

export class VideoHandle implements QueueHandle {
  readonly file: OpenNode;
  readonly events: EventQueue;

  constructor(file: OpenNode, sched: Scheduler) {
    this.file = file;
    this.events = new EventQueue(sched, file.path);
  }

  get nonblock(): boolean {
    return this.file.nonblock;
  }
}
