// How an application learns that the kernel did not answer it: its process is gone, or an access
// to memory raised a signal. Refusals are Errno, as everywhere.

/** The process was killed, or had exited; every later call rejects with this too. */
export class ProcessKilled extends Error {
  override readonly name = 'ProcessKilled';
  readonly code = 'EKILLED';
  readonly pid: number;
  /** 'SIGKILL', or 'exit:0' for a process that ended itself. */
  readonly status: string;

  constructor(pid: number, label: string, status: string) {
    super(`${label} (pid ${pid}) is gone: ${status}`);
    this.pid = pid;
    this.status = status;
  }
}

/** A load or store hit no memory, and a handler took the signal: the access did not happen. */
export class MemoryFault extends Error {
  override readonly name = 'MemoryFault';
  readonly signal: 'SIGBUS' | 'SIGSEGV';
  readonly addr: number;
  /** si_code, such as BUS_ADRERR or SEGV_MAPERR. */
  readonly code: string;

  constructor(signal: 'SIGBUS' | 'SIGSEGV', code: string, addr: number) {
    super(`${signal} (${code}) at address 0x${addr.toString(16)}`);
    this.signal = signal;
    this.addr = addr;
    this.code = code;
  }
}
