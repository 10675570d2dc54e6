// What was said against each policy, and what the matrix showed of it.
//
// The words are those of the threads (facts 11, and the headers of lib/policy); what follows them
// is computed from the verdicts and from nothing else.

import type { CellVerdict } from './cell.js';
import { duration, longestStuck } from './table.js';

type Finding = (cells: readonly CellVerdict[]) => string;

interface Objection {
  readonly who: string;
  readonly said: string;
  readonly shown: Finding;
}

const of = (n: number, all: readonly unknown[], what: string): string =>
  `${n} of ${all.length} cells ${what}`;

const name = (v: CellVerdict | undefined): string =>
  v === undefined ? '' : ` (${v.driver}, ${v.behaviour}, ${v.operation})`;

const share =
  (is: (v: CellVerdict) => boolean, what: string): Finding =>
  (cells) => {
    const hit = cells.filter(is);
    return `${of(hit.length, cells, what)}${name(hit[0])}.`;
  };

const hung = share((v) => v.verdict.startsWith('hung'), 'hung');
const refusedPins = share((v) => v.pin !== 'granted', 'refused the pin');
const stray = share((v) => v.stray.length > 0, 'had stray DMA');
const killed = share((v) => /SIG/.test(v.holder), 'ended with the holder killed');
const lost = share((v) => v.holder.includes('lost'), 'ended with pins taken from a living holder');
const exitOrder = share((v) => v.first === 'lease', 'saw a lease end before the pins did');
const failed = share(
  (v) => v.pin === 'granted' && v.verdict.startsWith('refused'),
  'had the operation refused',
);

const ofFsync = (find: Finding): Finding => {
  return (cells) => {
    const synced = cells.filter((v) => v.operation === 'fsync');
    return synced.length === 0 ? '' : find(synced);
  };
};
const torn = ofFsync(share((v) => v.tornPages > 0, 'of fsync had a mixture on the device'));
const late = ofFsync(
  share((v) => v.latePages > 0, 'of fsync left late stores that nobody knew of'),
);

const unmapped: Finding = (cells) => {
  const sum = (of: (v: CellVerdict) => number): number => cells.reduce((n, v) => n + of(v), 0);
  const [kept, activated] = [
    sum((v) => v.reclaim?.kept ?? 0),
    sum((v) => v.reclaim?.activated ?? 0),
  ];
  return `Reclaim left ${kept} pages alone, and unmapped ${activated} in vain.`;
};

const stuck: Finding = (cells) => {
  const waits = cells.map((v) => ({ v, ns: longestStuck(v.stuck) }));
  const forEver = waits.find(({ ns }) => ns === null);
  if (forEver !== undefined) return `Somebody beside it was stuck for ever${name(forEver.v)}.`;
  const worst = waits.reduce((a, b) => ((b.ns ?? 0) > (a.ns ?? 0) ? b : a), waits[0]!);
  return `The longest that anybody beside it was stuck: ${duration(worst.ns)}${name(worst.v)}.`;
};

const orphaned: Finding = (cells) => {
  const worst = cells.reduce((a, b) => (b.orphanedPeak > a.orphanedPeak ? b : a), cells[0]!);
  const leaked = cells.reduce((n, v) => n + v.leaked, 0);
  const peak = `At the peak ${worst.orphanedPeak} blocks belonged to nobody${name(worst)}`;
  return `${peak}; ${leaked} were left at the end.`;
};

const slowest: Finding = (cells) => {
  const ended = cells.filter((v) => v.outcome.end !== 'hung');
  const worst = ended.reduce<CellVerdict | undefined>(
    (a, b) => (b.outcome.tookNs > (a?.outcome.tookNs ?? -1) ? b : a),
    undefined,
  );
  if (worst === undefined) return 'None ended.';
  return `The slowest that ended took ${duration(worst.outcome.tookNs)}${name(worst)}.`;
};

const peers: Finding = (cells) => {
  const failures = cells.reduce((n, v) => n + v.transfers.failed, 0);
  return `${failures} transfers failed and were told so.`;
};

const row = (who: string, said: string, ...shown: readonly Finding[]): Objection => ({
  ...{ who, said },
  shown: (cells) =>
    shown
      .map((find) => find(cells))
      .join(' ')
      .trim(),
});

const leaseBreak: readonly Objection[] = [
  row('Jason Gunthorpe, 2019', 'SIGKILL after a timeout is horrible and unworkable', killed),
  row('Ira Weiny, 2019', 'one may take a lease, pin, and drop it, or ignore SIGIO', hung, slowest),
  row('Jason Gunthorpe, 2019', 'exit might end the lease before the DMA is fenced', exitOrder),
];

const byPolicy: Readonly<Record<string, readonly Objection[]>> = {
  linux: [
    row('Dan Williams, 2017', 'temporary: no RDMA and no V4L2 on such files', refusedPins),
    row('John Hubbard, 2018', 'pages are written back while a device writes to them', torn, late),
  ],
  forbid: [row('Dan Williams, 2017', 'no RDMA and no V4L2 on such files at all', refusedPins)],
  wait: [
    row(
      'Dave Chinner, 2017',
      'blocked for arbitrary lengths of time: passing the buck',
      hung,
      stuck,
    ),
  ],
  'wait-uninterruptible': [row('hung task detectors', 'SIGKILL does not end it', hung)],
  ebusy: [row('the man page', 'no errno of truncate; whoever pins can deny it to others', failed)],
  etxtbsy: [
    row('Jan Kara, 2019', 'whose lease it is cannot be seen; some leases never end', failed, hung),
  ],
  'lease-required': [
    row('Jason Gunthorpe, 2019', 'close of the file against close of the device at exit', hung),
    row('Dave Chinner, 2019', 'who is exiting must not block', killed, exitOrder),
  ],
  'block-device': [
    row('Jason Gunthorpe, 2019', 'right back to the start: lease revoke is blocked', hung, slowest),
  ],
  'map-direct': [row('Jason Gunthorpe, 2017', 'no application can react in time', lost, slowest)],
  revoke: [
    row('Jason Gunthorpe, 2019', 'no revoke in vfio and RDMA that was not data corrupting', stray),
    row('Jason Gunthorpe, 2019', 'each driver and each NIC must learn it', refusedPins, peers),
  ],
  odp: [row('Ira Weiny, 2019', 'few adapters can page on demand', refusedPins)],
  orphan: [row('Dan Williams, 2019', 'space leaks without bound; very hard for XFS', orphaned)],
  'busy-extent': [row('hch, Jan Kara, 2017', 'forbid first; space is not freed', orphaned)],
  immutable: [row('Dave Chinner, 2019', 'the file can never grow or shrink', failed)],
  'recall-fence': [
    row('Jason Gunthorpe, 2019', 'those techniques do not translate to user space', lost, slowest),
  ],
  bounce: [
    row('Ira Weiny, 2019', 'nothing for DAX: there is nothing to write back', refusedPins),
    row('John Hubbard, 2018', 'what for: a snapshot is of one moment, and stays dirty', torn, late),
  ],
  'hold-unmap': [
    row('Jan Kara, 2018', 'fsync and reclaim stall behind any registration', hung, unmapped),
    row('John Hubbard, 2018', 'what for: nothing is written while a device writes', torn, late),
  ],
  none: [row('everybody', 'data of one file in another', stray)],
};

export interface Answered {
  readonly who: string;
  readonly said: string;
  readonly shown: string;
}

/** What the cells of one policy show of each objection. */
export function answered(policy: string, cells: readonly CellVerdict[]): Answered[] {
  const measured = cells.filter((v) => v.na === null);
  if (measured.length === 0) return [];
  const [family] = policy.split(':');
  const rows = byPolicy[policy] ?? (family === 'lease-break' ? leaseBreak : byPolicy[family!]);
  const general = row('the matrix', 'in short', stray, hung, slowest, stuck);
  return [...(rows ?? []), general].map(({ who, said, shown }) => ({
    ...{ who, said },
    shown: shown(measured),
  }));
}
