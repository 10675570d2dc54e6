// The bench of the v4l2 tests: memory, the driver core with the v4l2 driver, and processes. No file
// system, so that the tests of this room need no other.

import { DaxDevice } from '../../../lib/mm/dax-device.js';
import { newMMEnv, type MMEnv } from '../../../lib/mm/mm-env.js';
import { DriverCore } from '../../../lib/driver/core.js';
import type { HeldObject } from '../../../lib/driver/balance.js';
import type { IommuMode } from '../../../lib/driver/iommu.js';
import type { NodeOpenFlag } from '../../../lib/driver/node-file.js';
import { kernelRules, type KernelName } from '../../../lib/kernel-rules.js';
import { defaultLeaseSettings } from '../../../lib/lease/leased-inode.js';
import { MountTable } from '../../../lib/process/mount-table.js';
import { ProcessTable } from '../../../lib/process/process-table.js';
import type { Process } from '../../../lib/process/process.js';
import { Scheduler } from '../../../lib/sched/index.js';
import { MiB, seconds } from '../../../lib/units.js';
import v4l2, {
  type CameraBoard,
  type V4L2State,
  type VideoClient,
} from '../../../drivers/v4l2/index.js';
import { Display } from '../../../drivers/v4l2/display.js';
import { Sensor } from '../../../drivers/v4l2/sensor.js';
import type { VB2Queue } from '../../../drivers/v4l2/vb2-queue.js';
import { watchBalance } from '../../support/end-of-file.js';
import { Watch } from './watch.js';

export interface BenchOptions {
  readonly kernel?: KernelName;
  readonly iommu?: IommuMode;
  readonly seed?: number;
  readonly live?: boolean;
  /** Nodes of the multi-planar API. */
  readonly multiplanar?: boolean;
  readonly ram?: number;
}

export class Bench {
  readonly sched: Scheduler;
  readonly mm: MMEnv;
  readonly drivers: DriverCore;
  readonly processes: ProcessTable;
  readonly board: CameraBoard;
  readonly state: V4L2State;
  /** What the device did to memory. */
  readonly dma: { access: string; pos: number; len: number; live: boolean }[] = [];
  /** Every buffer call of every client, and what was wrong after it. */
  readonly watch = new Watch();
  #off = false;

  constructor(opts: BenchOptions = {}) {
    const rules = kernelRules[opts.kernel ?? '7.2'];
    this.sched =
      opts.live === true
        ? new Scheduler({ mode: 'live' })
        : new Scheduler({ mode: 'simulated', seed: opts.seed ?? 1, timers: 'manual' });
    this.mm = newMMEnv(this.sched, rules, { ram: DaxDevice.memory(opts.ram ?? 64 * MiB) });
    watchBalance(this.mm);
    this.drivers = new DriverCore({
      sched: this.sched,
      mm: this.mm,
      iommu: opts.iommu ?? 'strict',
      events: {
        dma: ({ access, pos, len, mapping }) =>
          void this.dma.push({ access, pos, len, live: mapping.live }),
      },
    });
    this.processes = new ProcessTable({
      sched: this.sched,
      rules,
      mmEnv: this.mm,
      mounts: new MountTable(),
      leaseSettings: defaultLeaseSettings(),
      makePipe: () => {
        throw new Error('the bench has no pipes');
      },
      openNode: async (caller, name, flags) => {
        const file = await this.drivers.openNode(caller, name, flags as readonly NodeOpenFlag[]);
        return { file, library: file.node.ops.library as never };
      },
    });
    this.board = {
      ...{ sensor: new Sensor(), display: new Display() },
      multiplanar: opts.multiplanar === true,
    };
    this.drivers.register(v4l2);
    const device = this.drivers.addDevice('emul,camera', this.board, { name: 'camera' })!;
    this.state = device.driverState as V4L2State;
  }

  get capture(): VB2Queue {
    return this.state.capture.node.queue;
  }

  get output(): VB2Queue {
    return this.state.output.node.queue;
  }

  spawn(name = 'app'): Process {
    return this.processes.spawn(name);
  }

  async open(
    process: Process,
    node: 'video0' | 'video1' = 'video0',
    flags: readonly NodeOpenFlag[] = ['rdwr'],
  ): Promise<VideoClient> {
    const client = (await process.openDevice(node, flags)) as unknown as VideoClient;
    this.watch.attach(client.io, node === 'video0' ? this.capture : this.output);
    return client;
  }

  /** Wait for something of the machine's, letting up to 20 s of its time pass. */
  async run<T>(promise: Promise<T>): Promise<T> {
    promise.catch(() => {});
    if (this.sched.on && !(await this.sched.runUntil(promise, seconds(20)))) {
      throw new Error(`hung:\n${this.sched.blockedReport()}`);
    }
    return promise;
  }

  /** Kill everybody and unbind; what the driver leaked. */
  async powerOff(): Promise<readonly HeldObject[]> {
    if (this.#off) return [];
    this.#off = true;
    this.watch.settle();
    for (const process of this.processes.alive) process.sendSignal('SIGKILL');
    for (const process of this.processes.all) await this.run(process.ended);
    return this.run(this.sched.enter('power off', (task) => this.drivers.shutdown(task)));
  }
}
