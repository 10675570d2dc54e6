// What a picture of one schedule is drawn from: who did what when, and whose each page was.
//
// Recorded on a replay of the cell's worst schedule, while it runs. Times are virtual.

import type { Machine } from '../machine.js';
import type { AddressSpace } from '../mm/address-space.js';
import { TraceRecorder, type TraceEvent } from '../trace/index.js';
import type { Pfn } from '../units.js';
import type { Play } from './play.js';

export interface Bar {
  readonly lane: string;
  readonly kind: 'operation' | 'pins' | 'lease' | 'call' | 'dma' | 'failed' | 'stray';
  readonly label: string;
  readonly fromNs: number;
  /** Infinity: to the end of the picture. */
  readonly toNs: number;
}

/** Whose a page is: the file's, the new file's, an orphan's, nobody's. */
export type PageState = 'data' | 'other' | 'orphan' | 'free';

export interface PageSample {
  readonly atNs: number;
  readonly pages: readonly { readonly state: PageState; readonly pinned: boolean }[];
}

export interface Picture {
  readonly bars: readonly Bar[];
  /** Page frames of the file, and what became of them. */
  readonly pfns: readonly Pfn[];
  readonly samples: readonly PageSample[];
  readonly endNs: number;
}

/** Pages that a picture shows at most. */
const mostPages = 8;

function pageState(name: string): PageState {
  if (name.includes('orphan') || name.endsWith('gone')) return 'orphan';
  return name.endsWith('/data') || name.startsWith('/data') ? 'data' : 'other';
}

class PageWatch {
  readonly pfns: readonly Pfn[];
  readonly samples: PageSample[] = [];
  readonly #machine: Machine;
  readonly #mapping: AddressSpace | null = null;
  #last = '';

  constructor(machine: Machine) {
    this.#machine = machine;
    const region = machine.mm.pages.regions.find((r) => r.kind === 'pmem')!;
    const all = Array.from({ length: region.nrPages }, (_, i) => region.basePfn + i);
    this.pfns = all.filter((pfn) => this.#stateOf(pfn) === 'data').slice(0, mostPages);
    const [pin] = [...machine.mm.pinTable].filter((p) => p.origin.dataFile !== '');
    this.#mapping = pin?.pieces[0]?.mapping ?? null;
  }

  #stateOf(pfn: Pfn): PageState {
    const owner = this.#machine.mm.pages.owner(pfn);
    const fs = this.#machine.mounts.get('/');
    if (owner === undefined || fs === undefined || owner.mount !== fs.mount.id) return 'free';
    const state = pageState(fs.nameOf(owner));
    return state === 'data' && fs.statfs().orphaned > 0 ? this.#orphanOr(pfn, owner.pgoff) : state;
  }

  /** An orphan keeps its owner's name; what tells it is that the file does not have it any more. */
  #orphanOr(pfn: Pfn, pgoff: number): PageState {
    return this.#mapping?.lookup(pgoff) === pfn ? 'data' : 'orphan';
  }

  look(): void {
    const { pages } = this.#machine.mm;
    const seen = this.pfns.map((pfn) => ({
      state: this.#stateOf(pfn),
      pinned: pages.pins(pfn) > 0,
    }));
    const text = JSON.stringify(seen);
    if (text === this.#last) return;
    this.#last = text;
    this.samples.push({ atNs: this.#machine.sched.clock.nowNs, pages: seen });
  }
}

const callsShown: ReadonlySet<string> = new Set(['open', 'pread', 'pwrite', 'stat']);

/** System calls of bystanders, leases, as bars. */
function barsOf(events: readonly TraceEvent[], sinceNs: number): Bar[] {
  const bars: Bar[] = [];
  const open = new Map<string, TraceEvent>();
  for (const e of events) {
    const id = `${e.name} ${e.key}`;
    if (e.phase === 'begin') open.set(id, e);
    if (e.phase !== 'end') continue;
    const begun = open.get(id);
    open.delete(id);
    if (begun !== undefined) bars.push(...barOf(begun, e.atNs, sinceNs));
  }
  for (const begun of open.values()) bars.push(...barOf(begun, Infinity, sinceNs));
  return bars;
}

function barOf(begun: TraceEvent, toNs: number, sinceNs: number): Bar[] {
  const { name, args, atNs } = begun;
  if (toNs < sinceNs) return [];
  const fromNs = Math.max(atNs, sinceNs);
  if (name === 'lease') {
    const label = `${String(args['kind'])} lease`;
    return [{ lane: 'lease', kind: 'lease', label, fromNs, toNs }];
  }
  const { call, process } = args;
  const who = String(process);
  const beside = ['reader', 'writer', 'stat'].includes(who);
  if (name !== 'syscall' || !beside || !callsShown.has(String(call))) return [];
  return [{ lane: who, kind: 'call', label: String(call), fromNs, toNs }];
}

/** Bars where a page of the file was pinned. */
function pinBars({ samples }: PageWatch): Bar[] {
  const bars: Bar[] = [];
  let since: number | null = null;
  for (const { atNs, pages } of samples) {
    const pinned = pages.some((p) => p.pinned);
    if (pinned && since === null) since = atNs;
    if (pinned || since === null) continue;
    bars.push({ lane: 'pins', kind: 'pins', label: 'pinned', fromNs: since, toNs: atNs });
    since = null;
  }
  if (since !== null) {
    bars.push({ lane: 'pins', kind: 'pins', label: 'pinned', fromNs: since, toNs: Infinity });
  }
  return bars;
}

/** Records a schedule while it runs: set() when its scene is set, look() at each step. */
export class PictureMaker {
  readonly #bars: Bar[] = [];
  #recorder: TraceRecorder | null = null;
  #watch: PageWatch | null = null;
  #play: Play | null = null;
  #sinceNs = 0;

  set(play: Play): void {
    const { machine, spec } = play.scene;
    const { clock } = machine.sched;
    this.stop();
    this.#play = play;
    this.#bars.length = 0;
    this.#sinceNs = clock.nowNs;
    this.#recorder = new TraceRecorder(machine.sched);
    this.#watch = new PageWatch(machine);
    this.#watch.look();
    let begunNs = 0;
    play.onOperation = (what) => {
      this.#watch!.look();
      if (what === 'begin') begunNs = clock.nowNs;
      else this.#bar('operation', 'operation', spec.operation, begunNs);
    };
    play.traffic.onTransfer = ({ sinceNs, arrived }) => {
      this.#watch!.look();
      this.#bar('DMA', arrived ? 'dma' : 'failed', arrived ? 'arrived' : 'failed', sinceNs);
    };
  }

  #bar(lane: string, kind: Bar['kind'], label: string, fromNs: number): void {
    const toNs = this.#play!.scene.machine.sched.clock.nowNs;
    this.#bars.push({ lane, kind, label, fromNs, toNs });
  }

  stop(): void {
    this.#recorder?.stop();
  }

  /** Called at each step of the run. */
  look(): void {
    this.#watch?.look();
  }

  picture(): Picture {
    const { machine, spec } = this.#play!.scene;
    const recorder = this.#recorder!;
    this.stop();
    const strays = machine.referee.verdict().stray.map(({ atNs, file }) => {
      const bar = { lane: 'DMA', kind: 'stray', label: `stray, into ${file}` } as const;
      return { ...bar, fromNs: atNs, toNs: atNs };
    });
    if (!this.#bars.some((b) => b.kind === 'operation')) {
      this.#bars.push({
        ...{ lane: 'operation', kind: 'operation', label: spec.operation },
        ...{ fromNs: this.#sinceNs, toNs: Infinity },
      });
    }
    const traced = barsOf(recorder.events, this.#sinceNs);
    const bars = [...this.#bars, ...pinBars(this.#watch!), ...traced, ...strays];
    const { pfns, samples } = this.#watch!;
    return { bars, pfns, samples, endNs: machine.sched.clock.nowNs };
  }
}
