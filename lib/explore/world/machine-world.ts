// Whole machines as a world: file system, leases, processes, drivers and the referee, for every run
// anew, over memory.
//
// The referee judges every run: DMA that strays and blocks that change hands under a reference are
// findings, unless the policy under test is known for it. A run that is over is abandoned where it
// stands; nothing of its machine is shut down, only its memory is given back.

import assert from 'node:assert/strict';
import type { KernelName } from '../../kernel-rules.js';
import type { Driver } from '../../driver/index.js';
import type { LayoutPolicy } from '../../lease/layout.js';
import { bootMachine, type Machine, type MountOptions } from '../../machine.js';
import type { SimulatedOptions } from '../../sched/index.js';
import { KiB } from '../../units.js';
import type { Ground, Race, WorldMaker } from '../scenario.js';

export interface MachineWorldOptions {
  /** '7.2' if not given. */
  readonly kernel?: KernelName;
  /** Of the mount at '/', ext4 with DAX, unless mounts are given. */
  readonly policy?: string | LayoutPolicy;
  readonly mounts?: Readonly<Record<string, MountOptions>>;
  readonly drivers?: readonly Driver[];
  readonly iommu?: 'off' | 'strict';
  /** Bytes of the device and of RAM; small, as both are made for every run. */
  readonly size?: number;
  readonly ram?: number;
  /** Whether the referee's findings fail a run. True if not given. */
  readonly refereed?: boolean;
}

const usual = { kernel: '7.2', iommu: 'off', size: 256 * KiB, ram: 128 * KiB } as const;

/** Stray DMA and blocks handed out under a reference are findings of this run. */
export function referee(race: Race, machine: Machine): void {
  const over = { over: [machine.referee.object] };
  const dmaLands = (): void => {
    const first = machine.referee.firstStray;
    assert(
      first === undefined,
      first && `${first.device}: ${first.file} instead of ${first.meant}`,
    );
  };
  const noneReused = (): void => {
    const first = machine.referee.firstReused;
    assert(first === undefined, first && `pfn ${first.pfn}: ${first.from} to ${first.to}`);
  };
  race.invariant('DMA lands where its translation was made for', dmaLands, over);
  race.invariant('no block changes hands under a reference', noneReused, over);
}

export function machineWorld(options: MachineWorldOptions = {}): WorldMaker<Machine> {
  const { policy = 'linux', kernel = usual.kernel, iommu = usual.iommu } = options;
  const mounts = options.mounts ?? { '/': { flavor: 'ext4', dax: true, policy } };
  return {
    async make({ strategy, timers, maxPoints }: SimulatedOptions): Promise<Ground<Machine>> {
      const machine = await bootMachine({
        kernel,
        iommu,
        mounts,
        inMemory: true,
        size: options.size ?? usual.size,
        ram: options.ram ?? usual.ram,
        clock: 'virtual',
        drivers: options.drivers ?? [],
        ...(strategy !== undefined && { strategy }),
        ...(timers !== undefined && { timers }),
        maxPoints,
      });
      const judge = options.refereed !== false;
      return {
        sched: machine.sched,
        world: machine,
        end: () => machine.abandon(),
        ...(judge && { judge: (race: Race) => referee(race, machine) }),
      };
    },
  };
}
