// struct file_lock_context, its leases: all leases of one inode, and whoever waits to break them.
//
//   call         from                waits   may throw                   tells
//   setLease     fcntl, a server     no      EACCES EINVAL EAGAIN ENOMEM leaseGranted
//   unlock       fcntl               policy  EACCES EINVAL EAGAIN EINTR  breakers, who look again
//   getLease     fcntl               no      no
//   getDeleg     fcntl               no      no
//   breakLease   open, truncate      yes     EAGAIN EINTR                notify, once per kind
//   tryBreakDeleg names, setattr     no      EAGAIN                      notify, once
//   breakLayout  a layout change     yes     EAGAIN EINTR                notify, once per kind
//   release      the last fput       policy  no                          breakers
//   pinsChanged  unpin, if long-term no      no                          who waits for the pins
//
// No lock is held while a break is waited for: the holder may need any of them to give up the
// lease. A lease that nobody breaks or looks at outlives its deadline: only breakers, F_GETLEASE
// and F_SETLEASE of a type read the clock (linux fs/locks.c: time_out_leases and its callers).

import { Errno } from '../errno.js';
import type { Caller } from '../mm/caller.js';
import { type ObjectId, type Task, WaitQueue } from '../sched/index.js';
import {
  checkOthers,
  leasesConflict,
  nextDeadlineNs,
  openConflicts,
  type LeaseBreak,
} from './conflict.js';
import type { LayoutChange, LayoutLeases, PinIntent } from './layout.js';
import {
  FileLease,
  type LeaseArg,
  type LeaseHolder,
  type LeaseKind,
  type LeaseSpec,
  type SetLeaseOptions,
  type LeaseType,
} from './lease.js';
import { contextAlloc } from './lease-alloc.js';
import { traceBreak, traceGone, traceGranted, traceTimeout } from './lease-trace.js';
import { checkDelegType, lockForDeleg } from './delegation.js';
import { checkMayLease, leaseEnd, type LeaseEnv, type LeasedInode } from './leased-inode.js';

/** What a holder has one of: layout leases come beside it (proposal: Ira Weiny, 2019). */
const ownKinds: readonly LeaseKind[] = ['LEASE', 'DELEG'];

export class LeaseContext implements LayoutLeases {
  readonly inode: LeasedInode;
  /** For footprints: stands for the list and everything on it. */
  readonly id: ObjectId;
  readonly #env: LeaseEnv;
  /** flc_lease, oldest first. */
  readonly #leases: FileLease[] = [];
  /** Breakers, and holders that wait for their own pins. */
  readonly #changed: WaitQueue;

  constructor(env: LeaseEnv, inode: LeasedInode) {
    this.#env = env;
    this.inode = inode;
    this.id = env.sched.newObject(`leases of ${inode.label}`);
    this.#changed = new WaitQueue(env.sched, `lease break of ${inode.label}`);
  }

  /** Every lease, oldest first, kept ones too. */
  get leases(): readonly FileLease[] {
    return this.#leases;
  }

  /** Tasks that wait for a lease of this file to change. */
  get nrWaiting(): number {
    return this.#changed.waiters.length;
  }

  /**
   * F_SETLEASE of a type: a new lease, or another type for the one that holder has: a lease for
   * which a delegation is asked, or the other way round, stays what it is (generic_add_lease).
   * EACCES, EINVAL: see checkMayLease(). ENOMEM. EAGAIN: the file is open in a way that conflicts,
   * somebody else has a lease and this is to be the only one, or somebody else's is about to be
   * given up. (linux fs/locks.c: generic_add_lease; the order of the checks is its order.)
   */
  setLease(
    caller: Caller,
    holder: LeaseHolder,
    type: LeaseType,
    opts: SetLeaseOptions = {},
  ): FileLease {
    const { kind = 'LEASE', exclusive = false, manager, fd = -1 } = opts;
    const { inode } = this;
    const asked = { process: caller.process, holder, arg: kind === 'LAYOUT' ? 'F_LAYOUT' : type };
    checkMayLease(this.#env, inode, manager === undefined ? asked : null);
    checkDelegType(this.#env.rules, inode, kind, type);
    contextAlloc(caller.task, this.#env.rules, inode, holder);
    using _locked = kind === 'DELEG' ? lockForDeleg(inode, caller.task) : null;
    this.#touch('write');
    this.#timeOut();
    if (openConflicts(inode, holder, type, { kind, manager })) {
      throw new Errno('EAGAIN', `setlease: ${inode.label} is open elsewhere, or for writing`);
    }
    const mine = this.#heldBy(holder, kind === 'LAYOUT' ? ['LAYOUT'] : ownKinds);
    checkOthers(this.#leases, inode.label, holder, type);
    if (mine !== undefined) {
      mine.exclusive = exclusive;
      this.#modify(mine, type);
      this.#granted(mine, caller, fd);
      return mine;
    }
    if (!this.#env.settings.enabled) throw new Errno('EINVAL', 'setlease: leases-enable is 0');
    const { pid } = caller.process;
    const lease = this.#insert({ type, kind, exclusive, owner: holder, pid, manager });
    this.#granted(lease, caller, fd);
    return lease;
  }

  /**
   * F_SETLEASE F_UNLCK: give up holder's oldest lease, or the one of a kind. EAGAIN without one,
   * so also after a timeout; but a lease that is past its time and that nobody has looked at is
   * still there to be given up (generic_delete_lease does not time leases out). Waits, or fails
   * with another code, only where the policy keeps layout leases until the pins are gone.
   */
  async unlock(caller: Caller, holder: LeaseHolder): Promise<void> {
    checkMayLease(this.#env, this.inode, { process: caller.process, holder, arg: 'F_UNLCK' });
    this.#touch('write');
    const mine = this.#heldBy(holder);
    if (mine === undefined) {
      throw new Errno('EAGAIN', `setlease: no lease on ${this.inode.label} to give up`);
    }
    const { exiting, fatalSignalPending } = caller.process;
    await this.#giveUp(caller.task, mine, 'unlock', exiting || fatalSignalPending);
  }

  /** An in-kernel holder gives its lease up. Twice is harmless: breaks and timeouts race it. */
  drop(lease: FileLease): void {
    this.#touch('write');
    if (!lease.gone) this.#modify(lease, 'F_UNLCK');
  }

  /**
   * F_GETLEASE: the type held or, while it is being broken, the type that would satisfy the
   * breakers. A layout lease reads F_LAYOUT (proposal: Ira Weiny, August 2019), a delegation not
   * at all (__fcntl_getlease).
   */
  getLease(holder: LeaseHolder): LeaseArg | 'F_LAYOUT' {
    this.#touch('write');
    this.#timeOut();
    const mine = this.#heldBy(holder, ['LEASE', 'LAYOUT']);
    if (mine === undefined) return 'F_UNLCK';
    if (mine.kind === 'LAYOUT' && mine.target !== 'F_UNLCK') return 'F_LAYOUT';
    return mine.target;
  }

  /** F_GETDELEG: as F_GETLEASE, of a delegation. */
  getDeleg(holder: LeaseHolder): LeaseArg {
    this.#touch('write');
    this.#timeOut();
    return this.#heldBy(holder, ['DELEG'])?.target ?? 'F_UNLCK';
  }

  /**
   * Tell every conflicting holder what is asked, once, and wait until no lease conflicts. The
   * first deadline of each kind of break stands; when it is over the lease is taken down or away
   * (__break_lease). EAGAIN if nonblock, and the break has begun. EINTR: it has begun as well.
   */
  breakLease(who: Caller | Task, by: LeaseBreak): Promise<'gone' | 'kept'> {
    const caller = 'process' in who ? who : null;
    return this.#break(caller?.task ?? (who as Task), caller, by, false);
  }

  /**
   * try_break_deleg(): what breakLease() does for delegations before it waits, by somebody who
   * holds i_rwsem. EAGAIN: the break has begun, and has to be waited for with no lock held.
   */
  tryBreakDeleg(caller: Caller): void {
    this.#touch(this.#leases.length === 0 ? 'read' : 'write');
    if (!this.#begin(caller, { access: 'write', kind: 'DELEG' })) return;
    throw new Errno('EAGAIN', `${this.inode.label} is delegated; the break has begun`);
  }

  breakLayout(c: LayoutChange): Promise<'gone' | 'kept'> {
    const { nonblock, interruptible } = c;
    const by = { access: 'write', kind: 'LAYOUT', nonblock, interruptible } as const;
    return this.#break(c.task, c.caller, by, true);
  }

  get immutable(): boolean {
    return this.inode.immutable ?? false;
  }

  layoutLeases(): readonly FileLease[] {
    return this.#leases.filter((l) => l.kind === 'LAYOUT');
  }

  /**
   * The non-blocking check under the locks of a layout change: a layout lease appeared after
   * beforeChange had dealt with all there were. Those the policy keeps are no surprise.
   */
  layoutConflict(c: LayoutChange): boolean {
    this.#touch('read');
    const by = { access: 'write', kind: 'LAYOUT' } as const;
    return this.#leases.some((l) => l.kept === null && leasesConflict(l, by, c.caller));
  }

  takeFor(pin: PinIntent): FileLease {
    const holder = pin.vma.file as unknown as LeaseHolder | null;
    if (holder === null || typeof holder.notify !== 'function') {
      throw new Errno('EPERM', `pin: ${this.inode.label} has no open file to lease`);
    }
    if (!this.#env.settings.enabled) throw new Errno('EPERM', 'pin: leases-enable is 0');
    this.#touch('write');
    const mine = this.#heldBy(holder, ['LAYOUT']);
    if (mine !== undefined) return mine;
    const pid = pin.process?.pid ?? 0;
    const spec = { type: 'F_RDLCK', kind: 'LAYOUT', owner: holder, pid, implicit: true } as const;
    const lease = this.#insert(spec);
    if (pin.process !== null) holder.leaseGranted?.(lease, pin.process);
    return lease;
  }

  /**
   * The last reference to holder is gone (locks_remove_lease, from __fput). `exit`: its process
   * is exiting. Never fails; waits only where the policy says so and the task may be held up.
   */
  async release(task: Task, holder: LeaseHolder, why: 'close' | 'exit' = 'close'): Promise<void> {
    this.#touch('write');
    for (const lease of this.#leases.filter((l) => l.owner === holder && !l.givenUp)) {
      if (lease.gone) continue;
      const dying = why === 'exit' || task.pending === 'kill';
      await this.#giveUp(task, lease, why, dying);
    }
  }

  /** A long-term pin of the file went: kept leases may end now, and implicit ones do. */
  pinsChanged(): void {
    if (this.#leases.length === 0) return;
    this.#touch('write');
    const unpinned = (this.inode.pins?.() ?? []).length === 0;
    for (const lease of [...this.#leases]) {
      const ends =
        lease.kept !== null && leaseEnd(this.inode, lease, lease.kept, false) === 'release';
      if (ends || (lease.implicit && unpinned)) this.#modify(lease, 'F_UNLCK');
    }
    this.#changed.wakeAll();
  }

  /** The holder's oldest lease, or that of these kinds, that it has not given up. */
  #heldBy(holder: LeaseHolder, kinds?: readonly LeaseKind[]): FileLease | undefined {
    const fits = (l: FileLease) => l.owner === holder && (kinds?.includes(l.kind) ?? true);
    return this.#leases.find((l) => fits(l) && !l.givenUp);
  }

  #touch(access: 'read' | 'write'): void {
    this.#env.sched.touch(this.id, access);
  }

  #insert(spec: Omit<LeaseSpec, 'id'>): FileLease {
    const { sched } = this.#env;
    const id = sched.newObject(`lease of ${spec.owner.label}`);
    const lease = new FileLease({ id, ...spec });
    this.#leases.push(lease);
    traceGranted(sched, this.inode.label, lease);
    return lease;
  }

  #granted(lease: FileLease, caller: Caller, fd: number): void {
    lease.fd = fd;
    lease.owner.leaseGranted?.(lease, caller.process);
  }

  #conflicting(caller: Caller | null, by: LeaseBreak): FileLease[] {
    return this.#leases.filter((l) => leasesConflict(l, by, caller));
  }

  /** Ask every holder that by concerns. False: there is nobody to wait for. */
  #begin(caller: Caller | null, by: LeaseBreak): boolean {
    this.#timeOut();
    const conflicting = this.#conflicting(caller, by);
    for (const lease of conflicting) this.#ask(lease, by);
    // As in Linux any lease left makes a non-blocking break fail, one that does not conflict too.
    return conflicting.length > 0 && this.#leases.length > 0;
  }

  async #break(
    task: Task,
    caller: Caller | null,
    by: LeaseBreak,
    keptIsAnEnd: boolean,
  ): Promise<'gone' | 'kept'> {
    const { sched } = this.#env;
    if (sched.on) await sched.at(this.id, this.#leases.length === 0 ? 'read' : 'write');
    if (!this.#begin(caller, by)) return 'gone';
    const conflicting = () => this.#conflicting(caller, by);
    const done = () => conflicting().every((l) => keptIsAnEnd && l.kept !== null);
    if (by.nonblock === true && !(keptIsAnEnd && done())) {
      throw new Errno('EAGAIN', `${this.inode.label} is leased; the break has begun`);
    }
    const mode = by.interruptible === false ? 'uninterruptible' : 'interruptible';
    while (!done()) {
      const untilNs = nextDeadlineNs(this.#leases, sched.clock.nowNs);
      await this.#changed.wait(task, { mode, untilNs, why: this.#changed.label });
      this.#touch('write');
      this.#timeOut();
    }
    return conflicting().length === 0 ? 'gone' : 'kept';
  }

  /** Put the request to one holder, unless it stands already, or the holder is done with it. */
  #ask(lease: FileLease, by: LeaseBreak): void {
    if (lease.givenUp) return;
    const { sched, settings } = this.#env;
    const { breakTimeNs } = settings;
    const deadlineNs = breakTimeNs === 0 ? 0 : sched.clock.nowNs + breakTimeNs;
    const { manager } = lease;
    const ask = by.access === 'write' ? 'unlock' : 'downgrade';
    if (!lease.asked(ask, deadlineNs)) return;
    traceBreak(sched, this.inode.label, lease, ask, deadlineNs);
    if (manager === null) {
      lease.owner.notify('lease-break', lease);
      return;
    }
    const answer = manager.onBreak(lease);
    if (answer === 'no-timeout') lease.breakTimeNs = 0;
    if (answer === 'gone' && !lease.gone) this.#remove(lease);
  }

  /**
   * time_out_leases(). A deadline acts whenever it is found past, also when what it was set for
   * is long satisfied: a lease that was taken down and then set to F_WRLCK again goes down again.
   */
  #timeOut(): void {
    const { sched } = this.#env;
    const { nowNs } = sched.clock;
    const past = (deadlineNs: number) => deadlineNs !== 0 && nowNs >= deadlineNs;
    for (const lease of [...this.#leases]) {
      const lower = lease.type === 'F_WRLCK' || lease.downgradePending;
      if (lower && past(lease.downgradeTimeNs)) {
        traceTimeout(sched, this.inode.label, lease, 'downgraded');
        this.#modify(lease, 'F_RDLCK');
      }
      if (!past(lease.breakTimeNs) || lease.kept !== null) continue;
      if (leaseEnd(this.inode, lease, 'timeout', false) !== 'release') lease.kept = 'timeout';
      const kept = lease.kept !== null;
      traceTimeout(sched, this.inode.label, lease, kept ? 'kept' : 'removed');
      if (!kept) this.#modify(lease, 'F_UNLCK');
    }
  }

  /** lease_modify(): another type, or the end; breakers look again. */
  #modify(lease: FileLease, arg: LeaseArg): void {
    if (arg === 'F_UNLCK') {
      lease.unlockPending = false;
      lease.downgradePending = false;
      this.#remove(lease);
    } else {
      lease.type = arg;
      if (arg === 'F_RDLCK') lease.downgradePending = false;
    }
    this.#changed.wakeAll();
  }

  #remove(lease: FileLease): void {
    lease.gone = true;
    this.#leases.splice(this.#leases.indexOf(lease), 1);
    traceGone(this.#env.sched, lease);
    lease.owner.leaseGone?.(lease);
    lease.manager?.onGone?.(lease);
    this.#changed.wakeAll();
  }

  /** The holder is done with a lease. Whoever is dying never waits: the lease is kept instead. */
  async #giveUp(
    task: Task,
    lease: FileLease,
    why: 'unlock' | 'close' | 'exit',
    dying: boolean,
  ): Promise<void> {
    const mode = why === 'unlock' ? 'interruptible' : 'killable';
    for (let end = leaseEnd(this.inode, lease, why, dying); end !== 'release';) {
      if (end instanceof Errno && why === 'unlock') throw end;
      if (end !== 'wait' || dying) {
        lease.kept = why;
        return;
      }
      try {
        await this.#changed.wait(task, { mode, why: `pins under a lease of ${this.inode.label}` });
      } catch (e) {
        if (why === 'unlock') throw e;
        dying = true;
      }
      if (lease.gone) return;
      end = leaseEnd(this.inode, lease, why, dying);
    }
    this.#modify(lease, 'F_UNLCK');
  }
}
