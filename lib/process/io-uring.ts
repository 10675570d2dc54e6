// io_uring registered buffers: a long-term pin that nobody can take back.
//
// Order of 6.1, 6.12 and 7.2 alike (linux io_uring/rsrc.c:io_sqe_buffer_register): validate, pin,
// look at what was pinned, charge; a refusal undoes what came before it. The charge goes to the
// user (RLIMIT_MEMLOCK against what all its rings hold) unless the ring was made with
// CAP_IPC_LOCK, and to mm->pinned_vm without a limit. Letting go is deferred to a kernel task
// (io_uring/io_uring.c:io_ring_exit_work), so it comes after close() has returned.

import assert from 'node:assert/strict';
import { Errno } from '../errno.js';
import type { Caller, UserAccount } from '../mm/caller.js';
import { chargeUser, unchargePinned, unchargeUser } from '../mm/accounting.js';
import { pinUserPages } from '../mm/pin-user-pages.js';
import type { PinnedPages } from '../mm/pinned-pages.js';
import type { MM } from '../mm/mm.js';
import type { Scheduler, Task } from '../sched/index.js';
import { addTaskWork } from '../sched/task-work.js';
import { GiB, PAGE_SIZE, alignDown, checkSpan } from '../units.js';
import type { RingFile } from './file.js';
import type { Kernel } from './kernel.js';

const LABEL = 'anon_inode:[io_uring]';

/** io_buffer_validate(). */
function validate(addr: number, len: number): void {
  checkSpan('io_uring', addr, len);
  if (addr === 0 || len === 0 || len > GiB) {
    throw new Errno('EFAULT', `io_uring: a buffer of length ${len} at ${addr}`);
  }
}

/**
 * 6.1's io_pin_pages(): one kind of memory in a buffer (EINVAL), and no file but shmem
 * (EOPNOTSUPP). Later kernels leave it to get_user_pages.
 */
function checkBacking(mm: MM, addr: number, len: number): void {
  const first = mm.findVma(addr, 1).file;
  for (let at = alignDown(addr); at < addr + len; at += PAGE_SIZE) {
    const { file } = mm.findVma(at, 1);
    if (file !== first) throw new Errno('EINVAL', 'io_uring: a buffer over two files');
    if (file !== null && file.mapping?.host.kind !== 'shmem') {
      throw new Errno('EOPNOTSUPP', `io_uring: ${file.label} is no anonymous or shmem memory`);
    }
  }
}

/** What a registered buffer is charged to. */
class Charge {
  readonly #nrPages: number;
  readonly #mm: MM;
  /** ctx->user; null: the ring was made with CAP_IPC_LOCK. */
  readonly #user: UserAccount | null;

  constructor({ process }: Caller, nrPages: number) {
    this.#nrPages = nrPages;
    this.#mm = process.mm;
    this.#user = process.cred.caps.has('CAP_IPC_LOCK') ? null : process.user;
    chargeUser(process, nrPages);
    this.#mm.pinnedVm += nrPages;
  }

  undo(): void {
    if (this.#user !== null) unchargeUser(this.#user, this.#nrPages);
    unchargePinned(this.#mm, this.#nrPages);
  }
}

class Ring implements RingFile {
  readonly ring = true;
  readonly mapping = null;
  readonly label = LABEL;
  readonly writable = true;
  readonly #sched: Scheduler;
  readonly #pins: PinnedPages;
  readonly #charge: Charge;
  #refs = 1;

  constructor(sched: Scheduler, pins: PinnedPages, charge: Charge) {
    this.#sched = sched;
    this.#pins = pins;
    this.#charge = charge;
  }

  getFile(): void {
    assert(this.#refs > 0, 'io_uring: get of a released ring');
    this.#refs++;
  }

  putFile(task: Task): void {
    assert(this.#refs > 0, 'io_uring: put of a released ring');
    if (--this.#refs === 0) addTaskWork(task, 'fput of io_uring', () => this.#release());
  }

  #release(): void {
    void this.#sched.spawn('io_ring_exit_work', async () => {
      this.#pins.unpin();
      this.#charge.undo();
    });
  }
}

/**
 * IORING_REGISTER_BUFFERS with one buffer, on a ring of its own. EFAULT, EINVAL, ENOMEM over the
 * user's limit, EOPNOTSUPP for memory that cannot be pinned for long.
 */
export async function registerBuffer(
  caller: Caller,
  kernel: Kernel,
  addr: number,
  len: number,
): Promise<RingFile> {
  validate(addr, len);
  const { mm } = caller.process;
  const dataFile = mm.vmaAt(addr)?.file?.label ?? '';
  const pins = await pinUserPages(caller.task, kernel.mmEnv, {
    mm,
    addr,
    len,
    access: 'write',
    longterm: true,
    irrevocable: true,
    onShort: 'EFAULT',
    origin: { process: caller.process, device: 'io_uring', deviceFile: LABEL, dataFile },
  });
  try {
    if (kernel.rules.uringFileBacked === 'EOPNOTSUPP') checkBacking(mm, addr, len);
    return new Ring(kernel.sched, pins, new Charge(caller, pins.nrPages));
  } catch (e) {
    pins.unpin();
    throw e;
  }
}
