// What was said against each policy, and what the matrix showed of it.
//
// The words are those of the threads (facts 11, and the headers of lib/policy); what follows them
// is computed from the verdicts of the cells that bear on it, and from nothing else. Where no
// verdict can tell, that is what is said.

import { actOf } from './acts.js';
import type { BehaviourName, CellVerdict } from './cell.js';
import { onPageCache } from './scene.js';
import { duration, longestStuck } from './table.js';

/** `noun` says which cells they are: ` of fsync`. */
type Finding = (cells: readonly CellVerdict[], noun: string) => string;
type Which = (v: CellVerdict) => boolean;

const name = (v: CellVerdict | undefined): string =>
  v === undefined ? '' : ` (${v.driver}, ${v.behaviour}, ${v.operation})`;

const share =
  (is: Which, what: string): Finding =>
  (cells, noun) => {
    const hit = cells.filter(is);
    return `${hit.length} of ${cells.length} cells${noun} ${what}${name(hit[0])}.`;
  };

/** The findings for some of the cells; nothing if none of them is here. */
const among =
  (which: Which, noun: string, ...finds: readonly Finding[]): Finding =>
  (cells) => {
    const some = cells.filter(which);
    return some.length === 0 ? '' : finds.map((find) => find(some, ` ${noun}`)).join(' ');
  };

/** No verdict tells it. */
const untold =
  (why: string): Finding =>
  () =>
    `The matrix cannot tell: ${why}.`;

// -- which cells --

/** A driver that pins pages of a DAX file until it gives them back. */
const wantsPins: Which = ({ driver, operation }) =>
  actOf(driver).pins === 'longterm' && driver !== 'device-dax' && !onPageCache(operation);
const hasPins: Which = (v) => wantsPins(v) && v.pin.includes('granted');
const ofHolder =
  (...names: readonly BehaviourName[]): Which =>
  (v) =>
    hasPins(v) && names.includes(v.behaviour);
const exits: Which = (v) => hasPins(v) && (v.operation === 'exit' || /^exits/.test(v.behaviour));
const changes: Which = (v) => hasPins(v) && ['truncate', 'punch'].includes(v.operation);
const synced: Which = ({ operation }) => operation === 'fsync';
/** Not the server of layouts, which gives its client two lease periods under every policy. */
const notRecalled: Which = ({ driver }) => driver !== 'pnfs';

// -- what became of them --

const hung = share((v) => v.verdict.startsWith('hung'), 'hung');
const refusedPins = share((v) => v.pin !== 'granted', 'refused the pin');
const stray = share((v) => v.stray.length > 0, 'had stray DMA');
const killedBy = (sig: string): Finding =>
  share((v) => v.holder.includes(sig), `ended with the holder killed by ${sig}`);
const lost = share((v) => v.holder.includes('lost'), 'ended with pins taken from a living holder');
const leaseFirst = share((v) => v.first === 'lease', 'saw a lease end before the pins did');
const failed = share((v) => v.verdict.startsWith('refused'), 'had the operation refused');
const stuckExit = share((v) => v.holderStuck.includes('exit'), 'had a holder that could not exit');
const withheld = share(
  ({ outcome, free }) => outcome.end === 'ok' && free.after !== null && free.after <= free.before,
  'had no block back when the operation returned',
);
const torn = share((v) => v.tornPages > 0, 'had a mixture on the device');
const late = share((v) => v.latePages > 0, 'left late stores that nobody knew of');

const unmapped: Finding = (cells) => {
  const sum = (of: (v: CellVerdict) => number): number => cells.reduce((n, v) => n + of(v), 0);
  const [kept, activated] = [
    sum((v) => v.reclaim?.kept ?? 0),
    sum((v) => v.reclaim?.activated ?? 0),
  ];
  return `Reclaim left ${kept} pages alone, and unmapped ${activated} in vain.`;
};

const stuck: Finding = (cells) => {
  const waits = cells.map((v) => ({ v, ns: longestStuck(v) }));
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
  if (worst.outcome.tookNs === 0) return 'Those that ended did so at once.';
  return `The slowest that ended took ${duration(worst.outcome.tookNs)}${name(worst)}.`;
};

const peers: Finding = (cells) => {
  const failures = cells.reduce((n, v) => n + v.transfers.failed, 0);
  return `${failures} transfers failed and were told so.`;
};

// -- who said what --

const row = (who: string, said: string, ...shown: readonly Finding[]): Objection => ({
  ...{ who, said },
  shown: (cells) =>
    shown
      .map((find) => find(cells, ''))
      .filter((text) => text !== '')
      .join(' ') || 'None of these cells asks that.',
});

const withPins = (...finds: readonly Finding[]): Finding => among(hasPins, 'with pins', ...finds);
const thatExit = (...finds: readonly Finding[]): Finding => among(exits, 'that exit', ...finds);
const wanting = among(wantsPins, 'that pin', refusedPins);
const ofFsync = among(synced, 'of fsync', torn, late);

const noDMA = row('Dan Williams, 2017', 'temporary: no RDMA and no V4L2 on such files', wanting);
const sigkill = row(
  'Jason Gunthorpe, 2019',
  'SIGKILL after a timeout is horrible and unworkable',
  withPins(killedBy('SIGKILL')),
);
const sigbus = row(
  'Ira Weiny, 2019',
  'SIGBUS could be caught and ignored',
  withPins(killedBy('SIGBUS')),
  untold('no holder here handles SIGBUS'),
);
const whomToKill = row(
  'Jason Gunthorpe, 2019',
  'which process would one kill? A device file holds the pins, and it may be open in several',
  untold('each device file is open in one process'),
);
const dropped = row(
  'Ira Weiny, 2019',
  'one takes a lease, pins, and gives the lease up',
  among(ofHolder('drops-lease'), 'that give it up', hung, stray, slowest),
);
const ignored = row(
  'Ira Weiny, 2019',
  'one takes a lease, pins, and ignores SIGIO',
  among(ofHolder('ignores'), 'that ignore it', hung, stray, slowest),
);
const misordered = row(
  'Jason Gunthorpe, 2019',
  'exit might end the lease before the DMA is fenced',
  thatExit(leaseFirst, stray),
);
const cases = [dropped, ignored, misordered];
const denial = row(
  'truncate(2)',
  'no errno of it, and whoever pins can deny it to others',
  withPins(failed),
);
const corrupting = row(
  'Jason Gunthorpe, 2019',
  'no revoke in vfio and RDMA that was not data corrupting',
  withPins(stray),
);
const toLearn = row(
  'Jason Gunthorpe, 2019',
  'each driver and each NIC must learn it',
  wanting,
  withPins(peers),
);
const space = row(
  'Dan Williams, 2019',
  'space leaks without bound',
  withPins(orphaned),
  among(changes, 'that change the layout', withheld),
);
const hardForXFS = row(
  'Dan Williams, 2019',
  'very, very hard for XFS',
  untold('it is a file system where it was not'),
);
const required = [
  row(
    'Jason Gunthorpe, 2019',
    'to hang the close of the file until another is closed is a recipe for deadlock',
    thatExit(hung),
  ),
  row('Dave Chinner, 2019', 'who is exiting must not block', thatExit(stuckExit, leaseFirst)),
];

const byPolicy: Readonly<Record<string, readonly Objection[]>> = {
  linux: [
    noDMA,
    row('John Hubbard, 2018', 'pages are written back while a device writes to them', ofFsync),
  ],
  forbid: [noDMA],
  wait: [
    row(
      'Dave Chinner, 2017',
      'blocked for arbitrary lengths of time: passing the buck',
      withPins(hung, stuck),
    ),
    row(
      'Dan Williams, 2017',
      'new references can be taken while it waits, and prolong it',
      among(({ driver }) => driver === 'direct-io', 'of direct I/O', hung, slowest),
    ),
  ],
  'wait-uninterruptible': [
    row('hung task detectors', 'not even SIGKILL ends it', withPins(hung, stuck)),
  ],
  ebusy: [denial],
  etxtbsy: [
    row(
      'Jan Kara, 2019',
      'no trace of who is responsible for the pinned page',
      withPins(failed),
      untold('see /proc/PID/file_pins'),
    ),
    row(
      'Dave Chinner, 2019',
      'leases that nobody can end any more: zombies',
      among(ofHolder('exits-data-first', 'exits-device-first'), 'that exit', hung, failed),
    ),
    row(
      'Matthew Wilcox, 2019',
      'exclusive? Two processes may want to register one file',
      among(ofHolder('mixture'), 'of several holders', failed, stray),
    ),
  ],
  'lease-break': [sigkill, whomToKill, ...cases],
  'lease-break:hang': cases,
  'lease-break:fail': [denial, ...cases],
  'lease-break:sigbus': [sigbus, whomToKill, ...cases],
  'lease-break:revoke': [corrupting, toLearn, ...cases],
  'lease-break:orphan': [space, hardForXFS, ...cases],
  'lease-break:ladder': [sigbus, sigkill, toLearn, ...cases],
  'lease-break:implicit': [sigbus, sigkill, whomToKill, ...cases],
  'lease-required': required,
  'lease-required:fail': [denial, ...required],
  'block-device': [
    row(
      'Jason Gunthorpe, 2019',
      'right back to the start: lease revoke is blocked',
      withPins(hung, slowest),
    ),
  ],
  'map-direct': [
    row(
      'Jason Gunthorpe, 2017',
      'no application can react in time',
      among(ofHolder('cooperates', 'answers-late'), 'that answer', lost, slowest),
    ),
    row(
      'Christoph Hellwig, 2017',
      'mmap is the wrong kind of interface: it is the registration that must be fenced',
      withPins(lost, stray),
    ),
    row(
      'Joerg Roedel, 2017',
      'it mixes the DMA-API and the IOMMU-API',
      untold('drivers here give pages back themselves'),
    ),
  ],
  revoke: [corrupting, toLearn],
  odp: [
    row(
      'Ira Weiny, 2019',
      'the hardware may not support it',
      wanting,
      among(({ driver }) => driver === 'rdma-on-demand', 'that page on demand', refusedPins, stray),
    ),
    row('Ira Weiny, 2019', 'detrimental to the network', untold('its time is virtual')),
  ],
  orphan: [space, hardForXFS],
  'busy-extent': [
    row(
      'Jan Kara, 2017',
      'blocks that are used, invisibly',
      among(changes, 'that change the layout', withheld),
    ),
    row('Jan Kara, 2017', 'who holds the references should carry the burden', withPins(lost)),
  ],
  immutable: [
    row(
      'Dave Chinner, 2019',
      'the file cannot be sparse, nor be extended',
      among(changes, 'that change the layout', failed),
    ),
    row(
      'Andy Lutomirski, 2017',
      'whoever clears the flag pulls the blocks from under those who rely on it',
      among(ofHolder('drops-lease'), 'that clear it', failed, stray),
    ),
    row(
      'Jan Kara, 2019',
      'to pin a file down should take a capability',
      untold('whoever seals one here has it'),
    ),
  ],
  'recall-fence': [
    row(
      'Jason Gunthorpe, 2019',
      'those techniques do not translate to user space',
      withPins(lost, hung, slowest),
    ),
  ],
  bounce: [
    row('Jan Kara, 2019', 'nothing for DAX: there is nothing to write back', wanting),
    row('Christoph Hellwig, 2023', 'block bouncing must die', untold('it is of the block layer')),
    row(
      'Dave Chinner, 2023',
      'a page must pass through clean, to have its space reserved',
      untold('no cell runs out of space'),
    ),
    row(
      'Matthew Wilcox, 2018',
      'what for: a copy of the page goes out, and is of one moment',
      ofFsync,
    ),
  ],
  'hold-unmap': [
    row(
      'Nicholas Piggin, 2018',
      'hangs everywhere, where references are for long',
      among(synced, 'of fsync', hung),
      among(({ operation }) => operation === 'reclaim', 'of reclaim', unmapped),
    ),
    row('John Hubbard, 2018', 'what for: nothing is written while a device writes', ofFsync),
  ],
  none: [row('everybody', 'data of one file in another', withPins(stray))],
};

interface Objection {
  readonly who: string;
  readonly said: string;
  readonly shown: (cells: readonly CellVerdict[]) => string;
}

export interface Answered {
  readonly who: string;
  readonly said: string;
  readonly shown: string;
}

const inShort = row(
  'the matrix',
  'in short',
  stray,
  hung,
  among(notRecalled, 'but pnfs', slowest, stuck),
);

/** What the cells of one policy show of each objection. */
export function answered(policy: string, cells: readonly CellVerdict[]): Answered[] {
  const measured = cells.filter((v) => v.na === null);
  if (measured.length === 0) return [];
  const [family] = policy.split(':');
  const rows = byPolicy[policy] ?? byPolicy[family!] ?? [];
  return [...rows, inShort].map(({ who, said, shown }) => ({
    ...{ who, said },
    shown: shown(measured),
  }));
}
