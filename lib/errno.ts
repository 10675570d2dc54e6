// System errors: how the kernel being emulated says no. The numbers are those of Linux
// (include/uapi/asm-generic/errno-base.h and errno.h), whatever host this runs on, so that a
// recorded case and an emulated one compare equal. Mistakes of our own are assertions instead.

/** Linux error numbers, positive as in errno.h. The last four are aliases. */
export const errnoNumbers = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  E2BIG: 7,
  ENOEXEC: 8,
  EBADF: 9,
  ECHILD: 10,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  ENOTBLK: 15,
  EBUSY: 16,
  EEXIST: 17,
  EXDEV: 18,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ENOTTY: 25,
  ETXTBSY: 26,
  EFBIG: 27,
  ENOSPC: 28,
  ESPIPE: 29,
  EROFS: 30,
  EMLINK: 31,
  EPIPE: 32,
  EDOM: 33,
  ERANGE: 34,
  EDEADLK: 35,
  ENAMETOOLONG: 36,
  ENOLCK: 37,
  ENOSYS: 38,
  ENOTEMPTY: 39,
  ELOOP: 40,
  ENOMSG: 42,
  EIDRM: 43,
  EBADR: 53,
  ENODATA: 61,
  ETIME: 62,
  ENOLINK: 67,
  EPROTO: 71,
  EBADMSG: 74,
  EOVERFLOW: 75,
  ENOTUNIQ: 76,
  EBADFD: 77,
  EREMCHG: 78,
  EILSEQ: 84,
  EUSERS: 87,
  ENOTSOCK: 88,
  EDESTADDRREQ: 89,
  EMSGSIZE: 90,
  ENOPROTOOPT: 92,
  EPROTONOSUPPORT: 93,
  EOPNOTSUPP: 95,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENETDOWN: 100,
  ENETUNREACH: 101,
  ENETRESET: 102,
  ECONNABORTED: 103,
  ECONNRESET: 104,
  ENOBUFS: 105,
  EISCONN: 106,
  ENOTCONN: 107,
  ESHUTDOWN: 108,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTDOWN: 112,
  EHOSTUNREACH: 113,
  EALREADY: 114,
  EINPROGRESS: 115,
  ESTALE: 116,
  EUCLEAN: 117,
  EREMOTEIO: 121,
  EDQUOT: 122,
  ENOMEDIUM: 123,
  EMEDIUMTYPE: 124,
  ECANCELED: 125,
  EOWNERDEAD: 130,
  ENOTRECOVERABLE: 131,
  EHWPOISON: 133,
  EWOULDBLOCK: 11,
  EDEADLOCK: 35,
  ENOTSUP: 95,
  EFSCORRUPTED: 117,
} as const;

/** A symbolic error code, such as 'EBUSY'. */
export type ErrnoCode = keyof typeof errnoNumbers;

export interface ErrnoOptions {
  /** The emulated system call that failed, as Node's own errors name it. */
  readonly syscall?: string;
  readonly cause?: unknown;
}

/**
 * A refusal. Carries `code`, `errno` (negative, as Node has it) and `syscall`; its message is
 * the code and then what was refused: 'EBUSY: truncate: 3 pages of inode 12 are pinned by rdma0'.
 */
export class Errno extends Error {
  override readonly name = 'Errno';
  readonly code: ErrnoCode;
  readonly errno: number;
  readonly syscall: string | undefined;

  constructor(code: ErrnoCode, message: string, opts: ErrnoOptions = {}) {
    super(`${code}: ${message}`, 'cause' in opts ? { cause: opts.cause } : undefined);
    this.code = code;
    this.errno = -errnoNumbers[code];
    this.syscall = opts.syscall;
  }
}

/** Whether e is a refusal, and of that code if one is given. Aliases compare equal. */
export function isErrno(e: unknown, code?: ErrnoCode): e is Errno {
  return e instanceof Errno && (code === undefined || e.errno === -errnoNumbers[code]);
}
