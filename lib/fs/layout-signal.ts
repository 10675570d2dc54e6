// Signals that a policy sends when a layout change meets a pin: to the owners of layout leases, to
// the processes that map the file, or to those that hold the pins. Each process gets one.

import type { BusyVerdict } from '../lease/layout.js';
import type { ProcessLike } from '../mm/caller.js';
import type { PinnedPages } from '../mm/pinned-pages.js';
import type { Inode } from './inode.js';

type SignalVerdict = Extract<BusyVerdict, { do: 'signal' }>;

function targets(
  inode: Inode,
  whom: SignalVerdict['whom'],
  pins: readonly PinnedPages[],
): (ProcessLike | null | undefined)[] {
  const { env } = inode.fs;
  switch (whom) {
    case 'lease':
      return inode.leases.layoutLeases().map((lease) => env.processByPid?.(lease.pid));
    case 'mapper':
      return [...inode.mapping.vmas].map((vma) => vma.mm.process);
    case 'pinner':
      return pins.map((pin) => pin.origin.process);
  }
}

/** Send the verdict's signal. A process that is gone, or that nobody knows, gets none. */
export function signalHolders(
  inode: Inode,
  verdict: SignalVerdict,
  pins: readonly PinnedPages[],
): void {
  for (const process of new Set(targets(inode, verdict.whom, pins))) {
    if (process === null || process === undefined) continue;
    if (verdict.sig === 'SIGBUS') process.sendSignal('SIGBUS', { code: 'BUS_ADRERR' });
    else process.sendSignal(verdict.sig);
  }
}
