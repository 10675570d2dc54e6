// The history of a run as a number: two runs whose steps happened in the same order as far as they
// depend on each other have the same number, and stand in the same state.
//
// Each step is hashed with those it depends on: the step before it of its task, the last write of
// what it reads, the last write and the reads since of what it writes. The sum over all steps does
// not tell in which order independent ones came. Objects are not named in it, so that one made
// during the run may have another number in another run. The clock depends on everything.

import { CLOCK_TASK_ID, type ObjectId, type Step } from '../sched/index.js';

/** Two lanes of 32 bits; 53 of them make a key. */
interface Lanes {
  a: number;
  b: number;
}

interface ObjectHistory extends Lanes {
  run: number;
  /** Sum over the reads since the last write. */
  readsA: number;
  readsB: number;
}

interface TaskHistory extends Lanes {
  run: number;
}

function mixA(h: number, x: number): number {
  let z = Math.imul(h ^ x, 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 15), 0x21f0aaad);
  return z ^ (z >>> 15);
}

function mixB(h: number, x: number): number {
  let z = Math.imul(h ^ x, 0xc2b2ae35);
  z = Math.imul(z ^ (z >>> 13), 0x735a2d97);
  return z ^ (z >>> 16);
}

export class HistoryHash {
  readonly #objects = new Map<ObjectId, ObjectHistory>();
  readonly #tasks: TaskHistory[] = [];
  #run = 0;
  #sumA = 0;
  #sumB = 0;
  /** The last step, from which a new task descends, and the last turn of the clock. */
  readonly #last: Lanes = { a: 0, b: 0 };
  readonly #clock: Lanes = { a: 1, b: 1 };

  /** A new run begins. */
  reset(): void {
    this.#run++;
    this.#sumA = this.#sumB = this.#last.a = this.#last.b = 0;
    this.#clock.a = this.#clock.b = 1;
  }

  step(step: Step): void {
    const task = this.#task(step.taskId);
    let a = mixA(task.a, this.#clock.a);
    let b = mixB(task.b, this.#clock.b);
    if (step.taskId === CLOCK_TASK_ID) {
      a = mixA(a, this.#sumA);
      b = mixB(b, this.#sumB);
    }
    const { reads, writes } = step;
    for (let i = 0; i < reads.length; i++) {
      const object = this.#object(reads[i]!);
      a = mixA(a, object.a);
      b = mixB(b, object.b);
    }
    for (let i = 0; i < writes.length; i++) {
      const object = this.#object(writes[i]!);
      a = mixA(mixA(a, object.a), object.readsA);
      b = mixB(mixB(b, object.b), object.readsB);
    }
    this.#note(step, a, b);
    task.a = this.#last.a = a;
    task.b = this.#last.b = b;
    this.#sumA = (this.#sumA + a) | 0;
    this.#sumB = (this.#sumB + b) | 0;
    if (step.taskId === CLOCK_TASK_ID) {
      this.#clock.a = a;
      this.#clock.b = b;
    }
  }

  /** The state, with the task whose turn it is: what a preemption costs depends on it. */
  key(currentId: number | null): number {
    let a = this.#sumA;
    let b = this.#sumB;
    if (currentId !== null) {
      const task = this.#task(currentId);
      a = mixA(a, task.a);
      b = mixB(b, task.b);
    }
    return (a >>> 0) + (b & 0x1fffff) * 2 ** 32;
  }

  #note({ reads, writes }: Step, a: number, b: number): void {
    for (let i = 0; i < reads.length; i++) {
      const object = this.#object(reads[i]!);
      object.readsA = (object.readsA + a) | 0;
      object.readsB = (object.readsB + b) | 0;
    }
    for (let i = 0; i < writes.length; i++) {
      const object = this.#object(writes[i]!);
      object.a = a;
      object.b = b;
      object.readsA = object.readsB = 0;
    }
  }

  #object(id: ObjectId): ObjectHistory {
    let object = this.#objects.get(id);
    if (object === undefined) {
      object = { run: this.#run, a: 0, b: 0, readsA: 0, readsB: 0 };
      this.#objects.set(id, object);
    } else if (object.run !== this.#run) {
      object.run = this.#run;
      object.a = object.b = object.readsA = object.readsB = 0;
    }
    return object;
  }

  /** A task begins right after the step that made it, so it descends from the last one. */
  #task(id: number): TaskHistory {
    let task = this.#tasks[id];
    if (task === undefined) {
      task = { run: 0, a: 0, b: 0 };
      this.#tasks[id] = task;
    }
    if (task.run !== this.#run) {
      task.run = this.#run;
      task.a = mixA(this.#last.a, 0x9e3779b9);
      task.b = mixB(this.#last.b, 0x7f4a7c15);
    }
    return task;
  }
}
