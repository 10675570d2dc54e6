// The holder: a process that maps the file and lets a device at it, and behaves as it does.
//
//   enter -> [lease] -> PINNED -> told -> let go | nothing        or it exits in the middle

import { isErrno } from '../errno.js';
import type { Process } from '../machine.js';
import type { Task } from '../sched/index.js';
import type { Running } from './acts.js';
import { attempt } from './attempt.js';
import type { Behaviour } from './behaviour.js';
import { dataPath, type Scene } from './scene.js';

/** The lease that an application of this policy takes: the policy's, or the kernel's own. */
type Fcntl = 'F_LAYOUT' | 'F_LAYOUT|F_EXCLUSIVE' | 'F_WRLCK';
export type LeaseWord = Fcntl | 'MAP_DIRECT' | 'SEAL' | null;

export class Holder {
  readonly process: Process;
  readonly behaviour: Behaviour;
  /** `granted`, or the errno that refused the lease or the pins. */
  pin = 'granted';
  lease: LeaseWord = null;
  running: Running | null = null;
  fd = -1;
  addr = 0;
  /** Calls that have not ended. */
  readonly underWay = new Set<string>();
  readonly #scene: Scene;
  readonly #lateNs: number;
  #letGo = false;

  constructor(scene: Scene, behaviour: Behaviour, name: string, lateNs: number) {
    this.#scene = scene;
    this.#lateNs = lateNs;
    this.behaviour = behaviour;
    this.process = scene.machine.spawn(name);
  }

  /** It has given its pins back, or tries to. */
  get hasLetGo(): boolean {
    return this.#letGo;
  }

  /** Open, map, lease, pin: in the order that its behaviour needs. */
  async enter(): Promise<void> {
    const { act } = this.#scene.spec;
    const deviceFirst = this.behaviour.exits === 'device-first';
    try {
      const early = deviceFirst ? await act.open(this.#scene, this.process) : null;
      await this.#map();
      const port = early ?? (await act.open(this.#scene, this.process));
      if (this.behaviour.leases && act.ownLease !== true) await this.#takeLease();
      this.#listen();
      const { process, fd, addr } = this;
      this.running = await port.start({ process, fd, addr, len: this.#scene.fileLen });
    } catch (e) {
      if (!isErrno(e)) throw e;
      this.pin = e.code;
    }
  }

  async #map(): Promise<void> {
    const { process } = this;
    const { spec, fileLen: len } = this.#scene;
    this.fd = await process.open(dataPath, ['rdwr']);
    const direct = spec.policy.promises.lease === 'MAP_DIRECT' && this.behaviour.leases;
    if (direct) this.lease = 'MAP_DIRECT';
    const { fd } = this;
    this.addr = await process.mmap({ fd, len, prot: 'rw', share: 'shared', direct });
  }

  /** Without the policy's lease there is no pin; the kernel's own it takes if it gets it. */
  async #takeLease(): Promise<void> {
    const { promises } = this.#scene.spec.policy;
    if (this.lease !== null) return;
    const word =
      promises.lease === null || promises.lease === 'MAP_DIRECT' ? 'F_WRLCK' : promises.lease;
    if ((await attempt(() => this.#take(word))) === 'ok') this.lease = word;
  }

  #take(word: Fcntl | 'SEAL'): Promise<unknown> {
    if (word === 'SEAL') return this.process.ioctl(this.fd, 'FS_IOC_SEAL_BLOCK_MAP');
    return this.process.setLease(this.fd, word);
  }

  #listen(): void {
    const { whenTold } = this.behaviour;
    if (whenTold === 'nothing') this.process.ignore('SIGIO');
    else this.process.on('SIGIO', () => this.#answer());
  }

  /** Started with the race: hears what the driver itself has to tell. */
  listenToDriver(): void {
    const { told } = this.running ?? {};
    if (told === undefined || this.behaviour.whenTold === 'nothing') return;
    const { sched } = this.#scene.machine;
    const hear = (task: Task): Promise<unknown> =>
      attempt(async () => {
        await told(task);
        await this.#answer();
      });
    sched.spawn(`${this.process.name}: events`, hear, { daemon: true });
  }

  async #answer(): Promise<void> {
    const { clock, sched } = this.#scene.machine;
    await sched.enter(`${this.process.name}: answer`, async (task) => {
      if (this.behaviour.whenTold === 'lets-go-late') await clock.sleep(task, this.#lateNs);
      await this.letGo(task);
    });
  }

  /** Stop the device, unpin, give the lease up. Never throws; once. */
  async letGo(task: Task): Promise<void> {
    if (this.#letGo) return;
    this.#letGo = true;
    await this.#call('release', async () => this.running?.release(task));
    await this.#call('F_UNLCK', () => this.#unlock());
  }

  /** What its behaviour has it do while the operation is under way. */
  async misbehave(): Promise<void> {
    const { dropsLease, exits } = this.behaviour;
    if (dropsLease && this.lease !== null) await this.#call('F_UNLCK', () => this.#unlock());
    if (exits !== null) await this.#call('exit', () => this.process.exit());
  }

  /** Its mapping and its descriptor of the file go; the device's stays. */
  async leaveFile(): Promise<string> {
    const { process } = this;
    await attempt(() => process.munmap(this.addr, this.#scene.fileLen));
    return attempt(() => process.close(this.fd));
  }

  async #unlock(): Promise<void> {
    if (this.lease === null) return;
    if (this.lease === 'MAP_DIRECT') {
      return this.process.munmap(this.addr, this.#scene.fileLen);
    }
    if (this.lease === 'SEAL') await this.process.ioctl(this.fd, 'FS_IOC_UNSEAL_BLOCK_MAP');
    else await this.process.setLease(this.fd, 'F_UNLCK');
  }

  async #call(name: string, call: () => Promise<unknown>): Promise<void> {
    this.underWay.add(name);
    await attempt(call);
    this.underWay.delete(name);
  }
}
