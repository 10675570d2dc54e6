// WaitWord: a 32-bit word in shared memory that threads and processes can sleep on.
//
//   word +0   value      what sleepers compare; wraps at 2^32
//   word +4   sleepers   how many may be asleep, so that a wake without sleepers is no system call
//
// The rule that loses no wake-up: change the value, then wake(). A sleeper counts itself before
// Linux compares the value (futex), and both words are sequentially consistent: either the waker
// sees the sleeper, or the sleeper sees the new value. Wake-ups without a cause happen; look again
// after each. A process that dies asleep leaves its count: that costs later wakes a system call,
// nothing else.

import { checkExactNumber, checkObject, checkShared, checkTime, checkWhole } from '../arguments.js';
import { Errno } from '../errno.js';
import { native } from '../native.js';

/** Bytes that a WaitWord takes, at a multiple of 4. */
export const WAIT_WORD_SIZE = 8;

/** A thread blocked in native code cannot be terminated, so it surfaces this often. */
const sliceMs = 50;

const MOST_SLEEPERS = 0x7fffffff;

export interface WaitAsyncOptions {
  /** Milliseconds; left out: for ever. */
  readonly timeoutMs?: number;
  /** Stop waiting: the result is then 'cancelled'. */
  readonly signal?: AbortSignal;
}

export class WaitWord {
  readonly #words: Int32Array;

  constructor(buffer: SharedArrayBuffer, pos: number) {
    checkShared('WaitWord', buffer, pos, WAIT_WORD_SIZE, 4);
    this.#words = new Int32Array(buffer, pos, 2);
  }

  /** The value, from 0 to 2^32 - 1. */
  load(): number {
    return Atomics.load(this.#words, 0) >>> 0;
  }

  /** Set the value, modulo 2^32, and wake everybody. */
  store(value: number): void {
    checkExactNumber('store', 'value', value);
    Atomics.store(this.#words, 0, value | 0);
    this.wake();
  }

  /** Add n to the value and wake everybody; the value before. */
  add(n: number): number {
    checkExactNumber('add', 'n', n);
    const before = Atomics.add(this.#words, 0, n | 0);
    this.wake();
    return before >>> 0;
  }

  /** Wake up to nr sleepers; how many were woken. */
  wake(nr = MOST_SLEEPERS): number {
    checkWhole('wake', 'nr', nr, 0, MOST_SLEEPERS);
    if (Atomics.load(this.#words, 1) === 0) return 0;
    return native.futexWake(this.#words, 0, nr);
  }

  /** Block this thread while the value is expected, at most timeoutMs. */
  wait(expected: number, timeoutMs = Infinity): 'ok' | 'not-equal' | 'timed-out' {
    checkExactNumber('wait', 'expected', expected);
    checkTime('wait', 'timeoutMs', timeoutMs);
    Atomics.add(this.#words, 1, 1);
    try {
      for (let leftMs = timeoutMs; leftMs > 0; leftMs -= sliceMs) {
        const result = native.futexWait(this.#words, 0, expected, Math.min(leftMs, sliceMs) | 0);
        if (result !== 'timed-out') return result;
      }
      return this.load() === expected >>> 0 ? 'timed-out' : 'not-equal';
    } finally {
      Atomics.sub(this.#words, 1, 1);
    }
  }

  /** The same without blocking. A pending wait keeps the event loop alive. */
  async waitAsync(
    expected: number,
    opts: WaitAsyncOptions = {},
  ): Promise<'ok' | 'not-equal' | 'timed-out' | 'cancelled'> {
    checkExactNumber('waitAsync', 'expected', expected);
    checkWait(opts);
    if (opts.signal?.aborted === true) return 'cancelled';
    Atomics.add(this.#words, 1, 1);
    try {
      const pending = native.futexWaitAsync(this.#words, 0, expected, opts.timeoutMs);
      if (pending === 'not-equal') return pending;
      const cancel = (): void => {
        native.futexCancel(pending.id);
      };
      opts.signal?.addEventListener('abort', cancel);
      try {
        return await pending.result;
      } finally {
        opts.signal?.removeEventListener('abort', cancel);
      }
    } finally {
      Atomics.sub(this.#words, 1, 1);
    }
  }
}

function checkWait(opts: WaitAsyncOptions): void {
  checkObject('waitAsync', 'options', opts);
  if (opts.timeoutMs !== undefined) checkTime('waitAsync', 'timeoutMs', opts.timeoutMs);
  if (opts.signal === undefined || opts.signal instanceof AbortSignal) return;
  throw new Errno('EINVAL', 'waitAsync: signal: is no AbortSignal');
}
