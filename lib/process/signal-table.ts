// What each signal does to a process that has no handler for it (signal(7); linux
// include/linux/signal.h: SIG_KERNEL_ONLY_MASK, _COREDUMP_MASK, _IGNORE_MASK, _STOP_MASK).
//
// SIGIO terminates: an application that takes a lease without a handler dies of its break.

import { Errno } from '../errno.js';

export type DefaultAction = 'terminate' | 'core' | 'ignore' | 'stop' | 'continue';

/** Numbers of x86 (arch/x86/include/uapi/asm/signal.h). */
export const signalNumbers = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGSTKFLT: 16,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGURG: 23,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPWR: 30,
  SIGSYS: 31,
} as const;

/** A classic signal, or a real-time one: 'SIGRTMIN' to 'SIGRTMIN+30'. */
export type SignalName = keyof typeof signalNumbers | `SIGRTMIN${'' | `+${number}`}`;

const unlike: Partial<Record<keyof typeof signalNumbers, DefaultAction>> = {
  SIGQUIT: 'core',
  SIGILL: 'core',
  SIGTRAP: 'core',
  SIGABRT: 'core',
  SIGBUS: 'core',
  SIGFPE: 'core',
  SIGSEGV: 'core',
  SIGXCPU: 'core',
  SIGXFSZ: 'core',
  SIGSYS: 'core',
  SIGCHLD: 'ignore',
  SIGURG: 'ignore',
  SIGWINCH: 'ignore',
  SIGCONT: 'continue',
  SIGSTOP: 'stop',
  SIGTSTP: 'stop',
  SIGTTIN: 'stop',
  SIGTTOU: 'stop',
};

const REAL_TIME_SIGNALS = 31;
const realTime = /^SIGRTMIN(?:\+(\d+))?$/;

/** A real-time signal is queued each time it is sent; a classic one is pending at most once. */
export const isRealTime = (sig: string): boolean => sig.startsWith('SIGRTMIN');

/** Neither can be caught, blocked nor ignored. */
export const isKernelOnly = (sig: string): boolean => sig === 'SIGKILL' || sig === 'SIGSTOP';

/** Check a signal's name; 'SIGPOLL' is SIGIO. EINVAL. */
export function signalName(sig: string): SignalName {
  if (sig === 'SIGPOLL') return 'SIGIO';
  if (Object.hasOwn(signalNumbers, sig)) return sig as SignalName;
  const match = typeof sig === 'string' ? realTime.exec(sig) : null;
  if (match !== null && Number(match[1] ?? 0) < REAL_TIME_SIGNALS) return sig as SignalName;
  throw new Errno('EINVAL', `no such signal: ${String(sig)}`);
}

export function defaultAction(sig: SignalName): DefaultAction {
  return unlike[sig as keyof typeof signalNumbers] ?? 'terminate';
}
