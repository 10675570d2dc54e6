// How a system call of a process runs, whatever it does: in a task of its own or the application's,
// with the descriptor or the path that it names resolved.
//
// While a call uses a descriptor it holds a reference to the open file, so that closing the
// descriptor meanwhile releases nothing (fdget()).

import type { File, FileSystemOps, MaybeLater } from './file.js';
import type { Process, Thread } from './process.js';
import { ProcessState } from './process-state.js';
import type { CallOptions } from './thread-group.js';

export type Opts = CallOptions | undefined;

export class SystemCalls extends ProcessState {
  /** Run body as the call `name`. */
  protected call<T>(
    this: Process,
    name: string,
    opts: Opts,
    body: (t: Thread) => Promise<T>,
  ): Promise<T> {
    return this.threads.run(name, opts ?? {}, (task) => body({ task, process: this }));
  }

  /** The same on the open file of a descriptor. EBADF. */
  protected fdCall<T>(
    this: Process,
    name: string,
    opts: Opts,
    fd: number,
    body: (t: Thread, file: File) => Promise<T>,
  ): Promise<T> {
    return this.call(name, opts, async (t) => {
      const file = this.fds.get(fd);
      file.getFile();
      try {
        return await body(t, file);
      } finally {
        const put = file.putFile(t.task);
        if (put instanceof Promise) await put;
      }
    });
  }

  /** The same on two open files. EBADF. */
  protected fdPairCall<T>(
    this: Process,
    name: string,
    opts: Opts,
    fds: readonly [number, number],
    body: (t: Thread, one: File, two: File) => Promise<T>,
  ): Promise<T> {
    return this.fdCall(name, opts, fds[0], async (t, one) => {
      const two = this.fds.get(fds[1]);
      two.getFile();
      try {
        return await body(t, one, two);
      } finally {
        await two.putFile(t.task);
      }
    });
  }

  /** The same on the mount that a path leads to, with the path from its root. ENOENT. */
  protected pathCall<T>(
    this: Process,
    name: string,
    opts: Opts,
    path: string,
    body: (t: Thread, fs: FileSystemOps, path: string) => MaybeLater<T>,
  ): Promise<T> {
    return this.call(name, opts, async (t) => {
      const at = this.kernel.mounts.resolve(path);
      return body(t, at.fs, at.path);
    });
  }
}
