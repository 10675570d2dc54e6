// What /proc/<pid> shows of a process: its status and the files it holds pinned.

import { KiB, PAGE_SIZE } from '../units.js';
import type { Process } from './process.js';

/** /proc/<pid>/status, as far as it concerns memory that is held. */
export interface ProcStatus {
  readonly name: string;
  readonly pid: number;
  readonly state: string;
  readonly uid: number;
  /** VmPin: pages that registrations of this process hold, each registration for itself. */
  readonly vmPinPages: number;
  readonly vmPinKiB: number;
  /** VmLck: pages locked by mlock and vfio. */
  readonly vmLckPages: number;
  readonly vmLckKiB: number;
  readonly nrFds: number;
  readonly pendingSignals: readonly string[];
}

const kibOf = (nrPages: number): number => (nrPages * PAGE_SIZE) / KiB;

export function procStatus(process: Process): ProcStatus {
  const { pinnedVm, lockedVm } = process.mm;
  return {
    name: process.name,
    pid: process.pid,
    state: process.waitStatus(),
    uid: process.cred.uid,
    vmPinPages: pinnedVm,
    vmPinKiB: kibOf(pinnedVm),
    vmLckPages: lockedVm,
    vmLckKiB: kibOf(lockedVm),
    nrFds: process.fds.nrOpen,
    pendingSignals: process.pendingSignals(),
  };
}

/**
 * /proc/<pid>/file_pins: for each open device file that holds pins its descriptor and path, then
 * a line per pinned file, indented by a tab; files pinned by what is no open file of the process
 * come last, as bare paths (proposal: Ira Weiny, August 2019, RFC v2).
 */
export function filePins(process: Process): string[] {
  const fdOf = new Map<string, number>();
  for (const [fd, { label }] of process.fds.entries()) if (!fdOf.has(label)) fdOf.set(label, fd);
  const byDevice = new Map<string, string[]>();
  const bare: string[] = [];
  for (const { deviceFile, dataFile } of process.kernel.mmEnv.pinTable.filePins(process)) {
    if (!fdOf.has(deviceFile)) bare.push(dataFile);
    else byDevice.set(deviceFile, [...(byDevice.get(deviceFile) ?? []), dataFile]);
  }
  const lines: string[] = [];
  for (const [device, files] of byDevice) {
    lines.push(`${fdOf.get(device)}: ${device}`, ...files.sort().map((file) => `\t${file}`));
  }
  return [...lines, ...new Set(bare.sort())];
}
