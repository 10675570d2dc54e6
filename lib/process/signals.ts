// sighand and pending signals of one process: what becomes of a signal that is sent to it.
//
//   generate() -> discarded                  ignored, or ignored by default
//              -> pending                    blocked, or its handler is running
//              -> a Delivery                 the process acts on it: handler, death, stop, go on
//
// A classic signal is pending at most once; a second one is lost, as on Linux
// (kernel/signal.c:legacy_queue). A handler blocks its own signal while it runs, unless told
// otherwise (SA_NODEFER). This file decides; lib/process/process.ts acts. Nothing here waits.

import { Errno } from '../errno.js';
import type { SignalInfo } from '../mm/caller.js';
import {
  type SignalName,
  defaultAction,
  isKernelOnly,
  isRealTime,
  signalName,
} from './signal-table.js';

/** What a handler gets: siginfo. */
export interface ReceivedSignal extends SignalInfo {
  readonly signal: SignalName;
}

export type SignalHandler = (info: ReceivedSignal) => void | Promise<void>;

export interface HandlerOptions {
  /** SA_RESTART: an interrupted call begins again instead of failing with EINTR. */
  readonly restart?: boolean;
  /** SA_NODEFER: the handler may be entered again while it runs. */
  readonly nodefer?: boolean;
  /** SA_RESETHAND: back to the default action once it is entered. */
  readonly resethand?: boolean;
}

export type Disposition =
  'default' | 'ignore' | ({ readonly handler: SignalHandler } & HandlerOptions);

export type Delivery =
  | { readonly do: 'handler'; readonly info: ReceivedSignal; readonly action: HandlerAction }
  | { readonly do: 'die'; readonly signal: SignalName; readonly core: boolean }
  | { readonly do: 'stop' | 'continue' | 'nothing' };

type HandlerAction = Exclude<Disposition, string>;

const nothing: Delivery = { do: 'nothing' };

export class Signals {
  readonly #actions = new Map<SignalName, Disposition>();
  readonly #pending: ReceivedSignal[] = [];
  readonly #blocked = new Set<SignalName>();
  /** Handlers under way; several of one signal only with nodefer. */
  readonly #running: SignalName[] = [];
  readonly #taken: SignalName[] = [];

  action(sig: string): Disposition {
    return this.#actions.get(signalName(sig)) ?? 'default';
  }

  /** sigaction(). EINVAL for SIGKILL and SIGSTOP. What is pending and now ignored is dropped. */
  setAction(sig: string, disposition: Disposition): void {
    const name = signalName(sig);
    if (isKernelOnly(name)) throw new Errno('EINVAL', `sigaction: ${name} cannot be caught`);
    this.#actions.set(name, disposition);
    if (this.#isIgnored(name)) this.#drop(name);
  }

  /** sigprocmask(). SIGKILL and SIGSTOP are never blocked. Call release() afterwards. */
  setMask(how: 'block' | 'unblock' | 'setmask', sigs: readonly string[]): void {
    const names = sigs.map(signalName).filter((name) => !isKernelOnly(name));
    if (how === 'setmask') this.#blocked.clear();
    for (const name of names) {
      if (how === 'unblock') this.#blocked.delete(name);
      else this.#blocked.add(name);
    }
  }

  /** sigpending(): sent, not delivered yet, in the order in which they came. */
  get pending(): readonly SignalName[] {
    return this.#pending.map(({ signal }) => signal);
  }

  /** How many of them nothing blocks any more: release() delivers them one by one. */
  get nrDeliverable(): number {
    return this.#pending.filter(({ signal }) => !this.#isBlocked(signal)).length;
  }

  /** Signals that handlers took since this was last asked, in that order. */
  take(): SignalName[] {
    return this.#taken.splice(0);
  }

  /** A signal arrives; what the process must do now. */
  generate(sig: string, info: SignalInfo = {}): Delivery {
    const received: ReceivedSignal = { ...info, signal: signalName(sig) };
    const name = received.signal;
    if (defaultAction(name) === 'continue') return this.#resume(received);
    if (this.#isBlocked(name)) {
      if (isRealTime(name) || !this.pending.includes(name)) this.#pending.push(received);
      return nothing;
    }
    return this.#deliver(received);
  }

  /**
   * A signal that an instruction raised, which cannot wait: blocked or ignored, it takes the
   * default action (linux kernel/signal.c:force_sig_info_to_task).
   */
  force(sig: string, info: SignalInfo): Delivery {
    const received: ReceivedSignal = { ...info, signal: signalName(sig) };
    if (this.#isBlocked(received.signal) || this.action(sig) === 'ignore') {
      this.#actions.set(received.signal, 'default');
    }
    return this.#deliver(received);
  }

  /** The oldest pending signal that is no longer blocked; 'nothing' without one. */
  release(): Delivery {
    const at = this.#pending.findIndex(({ signal }) => !this.#isBlocked(signal));
    const [received] = at < 0 ? [] : this.#pending.splice(at, 1);
    return received === undefined ? nothing : this.#deliver(received);
  }

  /** The handler of sig was entered, and must be reported done by handlerEnded(). */
  handlerBegan(sig: SignalName, action: HandlerAction): void {
    this.#taken.push(sig);
    if (action.nodefer !== true) this.#running.push(sig);
    if (action.resethand === true) this.#actions.set(sig, 'default');
  }

  handlerEnded(sig: SignalName, action: HandlerAction): void {
    if (action.nodefer !== true) this.#running.splice(this.#running.indexOf(sig), 1);
  }

  #isBlocked(sig: SignalName): boolean {
    if (isKernelOnly(sig)) return false;
    return this.#blocked.has(sig) || this.#running.includes(sig);
  }

  #isIgnored(sig: SignalName): boolean {
    const action = this.action(sig);
    return action === 'ignore' || (action === 'default' && defaultAction(sig) === 'ignore');
  }

  #drop(sig: SignalName): void {
    for (let i = this.#pending.length - 1; i >= 0; i--) {
      if (this.#pending[i]!.signal === sig) this.#pending.splice(i, 1);
    }
  }

  /** SIGCONT wakes the process also when blocked or ignored (kernel/signal.c:prepare_signal). */
  #resume(received: ReceivedSignal): Delivery {
    const { signal } = received;
    if (!this.#isBlocked(signal) && typeof this.action(signal) === 'object') {
      return this.#deliver(received);
    }
    return { do: 'continue' };
  }

  #deliver(received: ReceivedSignal): Delivery {
    const { signal } = received;
    const action = this.action(signal);
    if (typeof action === 'object') return { do: 'handler', info: received, action };
    if (action === 'ignore') return nothing;
    const byDefault = defaultAction(signal);
    if (byDefault === 'ignore') return nothing;
    if (byDefault === 'stop' || byDefault === 'continue') return { do: byDefault };
    return { do: 'die', signal, core: byDefault === 'core' };
  }
}
