// The acts: how each driver comes to do DMA to the mapped file, and how it stops.
//
//   open -> Port -> start -> Running: pulse, pulse, ... -> release
//
// open() and start() are apart so that an application can open its device before its file: at exit
// the lower descriptor is closed first.

import type { Driver } from '../driver/index.js';
import type { Process } from '../machine.js';
import type { Task } from '../sched/index.js';
import type { DriverName } from './cell.js';
import { blockDeviceAct } from './block-device-act.js';
import { deviceDax } from './device-dax-act.js';
import { directIO } from './direct-io-act.js';
import { v4l2DmaBuf } from './dmabuf-act.js';
import { rdmaLease, rdmaOnDemand, rdmaPinned, rdmaRevocable } from './rdma-act.js';
import { pnfs } from './pnfs-act.js';
import type { Scene } from './scene.js';
import { v4l2UserPtr } from './v4l2-act.js';
import { vfio } from './vfio-act.js';

/** The holder's mapping. */
export interface Target {
  readonly process: Process;
  readonly fd: number;
  readonly addr: number;
  readonly len: number;
}

/** DMA under way. */
export interface Running {
  /** What its functions know and a schedule changes, for an explorer to put it back. */
  readonly parts: readonly object[];
  /** One transfer: whether it arrived. Refusals and kills are thrown. */
  pulse(task: Task): Promise<boolean>;
  /** A new connection in place of one that failed. */
  reconnect?(): Promise<void>;
  /** Resolves when the driver itself tells the application that somebody wants the blocks. */
  told?(task: Task): Promise<void>;
  /** The holder stops the device and gives its pins back. */
  release(task: Task): Promise<void>;
}

export interface Port {
  /** Begin; an Errno is the refusal that the holder met, and nothing is held then. */
  start(target: Target): Promise<Running>;
}

export interface Act {
  /** What its pages are held by: pins until they are given back, pins for a transfer, nothing. */
  readonly pins: 'longterm' | 'short' | 'none';
  /** The driver can give pages back when the kernel asks. */
  readonly revocable: boolean;
  readonly drivers: readonly Driver[];
  /** Pages of the file that it does DMA to. */
  readonly nrPages: number;
  /** It has a clock of its own: a transfer each Scene.periodNs, the first after one of them. */
  readonly periodic?: true;
  /** Several processes can use it at once. */
  readonly shared: boolean;
  /** The file system that it needs; ext4 if it minds none. */
  readonly flavor?: 'xfs';
  /** Bytes of the device that the machine sets aside for it. */
  readonly deviceDax?: { readonly size: number };
  /** It has a lease of its own with its pins: the application takes none. */
  readonly ownLease?: true;
  open(scene: Scene, process: Process): Promise<Port>;
}

const acts: Readonly<Record<DriverName, Act>> = {
  'rdma-pinned': rdmaPinned,
  'rdma-on-demand': rdmaOnDemand,
  'rdma-lease': rdmaLease,
  'rdma-revocable': rdmaRevocable,
  'rdma-block-device': blockDeviceAct,
  'v4l2-userptr': v4l2UserPtr,
  'v4l2-dmabuf': v4l2DmaBuf,
  'direct-io': directIO,
  vfio,
  pnfs,
  'device-dax': deviceDax,
};

export const actOf = (driver: DriverName): Act => acts[driver];
