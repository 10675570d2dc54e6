// The two ends of a pipe as open files. The buffers are those of lib/fs/pipe; they go, with the
// pages they reference, when neither end is open any more.

import assert from 'node:assert/strict';
import { Errno, isErrno } from '../errno.js';
import type { Caller } from '../mm/caller.js';
import type { Task } from '../sched/index.js';
import { addTaskWork } from '../sched/task-work.js';
import type { PipeEnd } from './file.js';
import type { PipeBuffers } from './kernel.js';

class End implements PipeEnd {
  readonly pipeEnd: 'read' | 'write';
  readonly mapping = null;
  readonly label: string;
  nonblock = false;
  readonly #buffers: PipeBuffers;
  #refs = 1;

  constructor(pipeEnd: 'read' | 'write', buffers: PipeBuffers) {
    this.pipeEnd = pipeEnd;
    this.label = `${pipeEnd} end of ${buffers.label}`;
    this.#buffers = buffers;
  }

  get writable(): boolean {
    return this.pipeEnd === 'write';
  }

  async readPipe({ task }: Caller, len: number): Promise<Uint8Array> {
    this.#mustBe('read');
    const target = new Uint8Array(len);
    const nr = await this.#buffers.read(task, target, this.nonblock);
    return nr === len ? target : target.slice(0, nr);
  }

  async writePipe(caller: Caller, source: Uint8Array): Promise<number> {
    this.#mustBe('write');
    return brokenPipe(caller, this.#buffers.write(caller.task, source, this.nonblock));
  }

  async vmsplice(caller: Caller, addr: number, len: number): Promise<number> {
    this.#mustBe('write');
    const { task, process } = caller;
    const { nonblock } = this;
    return brokenPipe(caller, this.#buffers.vmsplice(task, process.mm, addr, len, nonblock));
  }

  getFile(): void {
    assert(this.#refs > 0, `${this.label}: get of a released file`);
    this.#refs++;
  }

  putFile(task: Task): void {
    assert(this.#refs > 0, `${this.label}: put of a released file`);
    if (--this.#refs > 0) return;
    addTaskWork(task, `fput of ${this.label}`, () => this.#buffers.closeEnd(this.pipeEnd));
  }

  #mustBe(end: 'read' | 'write'): void {
    if (this.pipeEnd !== end) throw new Errno('EBADF', `this is the ${this.label}`);
  }
}

/** A write that finds no reader raises SIGPIPE as well (linux fs/pipe.c:pipe_write). */
async function brokenPipe(caller: Caller, write: Promise<number>): Promise<number> {
  try {
    return await write;
  } catch (e) {
    if (isErrno(e, 'EPIPE')) caller.process.sendSignal('SIGPIPE', { code: 'SI_KERNEL' });
    throw e;
  }
}

/** pipe(2): both ends, each with one reference. */
export function pipeEnds(buffers: PipeBuffers): { readonly reader: PipeEnd; writer: PipeEnd } {
  return { reader: new End('read', buffers), writer: new End('write', buffers) };
}
