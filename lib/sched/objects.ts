// What steps touch: numbers that name locks, queues, pages, leases and inodes, and the footprint
// of each step. Two steps whose footprints do not conflict may be swapped, which is what lets an
// exploration skip schedules.

import { checkText } from '../arguments.js';

/** Names one shared thing. Pages have numbers of their own, so that none need be kept. */
export type ObjectId = number;
export type Access = 'read' | 'write';

/** taskId of the steps that the clock takes: a timer that fires. */
export const CLOCK_TASK_ID = 0;

const PAGE_OBJECTS = 2 ** 40;

const TASK_OBJECTS = 2 ** 41;

/** The object that stands for the signals of a task. */
export const taskObject = (taskId: number): ObjectId => TASK_OBJECTS + taskId;

/** The object that stands for page pfn. */
export const pageObject = (pfn: number): ObjectId => PAGE_OBJECTS + pfn;

/** What one task did between two points. */
export interface Step {
  /** 0 for the first step of the run. */
  readonly index: number;
  readonly taskId: number;
  readonly taskName: string;
  readonly reads: readonly ObjectId[];
  readonly writes: readonly ObjectId[];
}

export class ObjectTable {
  /** By number, from 1 on. */
  readonly #labels: string[] = [''];
  readonly #keepLabels: boolean;
  #next: ObjectId = 1;

  /** Live machines make objects for ever and never print them: they keep no labels. */
  constructor(keepLabels: boolean) {
    this.#keepLabels = keepLabels;
  }

  newObject(label: string): ObjectId {
    checkText('newObject', 'label', label);
    const id = this.#next++;
    if (this.#keepLabels) this.#labels.push(label);
    return id;
  }

  label(id: ObjectId): string {
    if (id >= TASK_OBJECTS) return `signals of task ${id - TASK_OBJECTS}`;
    if (id >= PAGE_OBJECTS) return `pfn ${id - PAGE_OBJECTS}`;
    return this.#labels[id] ?? `object ${id}`;
  }
}

/** Collects the footprint of the step under way; costs a test while nobody listens. */
export class StepRecorder {
  readonly #fail: (error: Error) => void;
  #onStep: ((step: Step) => void) | null = null;
  #on = false;
  #nrSteps = 0;
  #reads: ObjectId[] = [];
  #writes: ObjectId[] = [];

  /** fail hears what a listener throws. */
  constructor(fail: (error: Error) => void) {
    this.#fail = fail;
  }

  get on(): boolean {
    return this.#on;
  }

  get onStep(): ((step: Step) => void) | null {
    return this.#onStep;
  }

  set onStep(listener: ((step: Step) => void) | null) {
    this.#onStep = listener;
    this.#on = listener !== null;
  }

  touch(object: ObjectId, access: Access): void {
    const list = access === 'read' ? this.#reads : this.#writes;
    if (!list.includes(object)) list.push(object);
  }

  end(taskId: number, taskName: string): void {
    const index = this.#nrSteps++;
    const step: Step = { index, taskId, taskName, reads: this.#reads, writes: this.#writes };
    this.#reads = [];
    this.#writes = [];
    try {
      this.#onStep?.(step);
    } catch (error) {
      this.#fail(error as Error);
    }
  }
}
