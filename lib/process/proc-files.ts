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
 * /proc/<pid>/file_pins: for each descriptor of an open file that holds pins its number and path,
 * then a line per pinned file, indented by a tab; files pinned by the process itself come last, as
 * bare paths (proposal: Ira Weiny, August 2019, RFC v2 18/19). Pins go where the open file goes:
 * who was passed a descriptor of it shows them too, and who closed its own does no longer.
 */
export function filePins(process: Process): string[] {
  const { pinTable } = process.kernel.mmEnv;
  const lines: string[] = [];
  for (const [fd, file] of process.fds.entries()) {
    const paths = pinTable.filesPinnedThrough(file);
    if (paths.length > 0) lines.push(`${fd}: ${file.label}`, ...paths.map((path) => `\t${path}`));
  }
  return [...lines, ...pinTable.filesPinnedBy(process)];
}
