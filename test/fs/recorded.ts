// Plays recorded cases (test/conformance/cases) on the file systems alone: steps that need files,
// mappings, pipes and leases, and no device. A case with any other step is not played.

import { readFileSync } from 'node:fs';
import type { FileSystem } from '../../lib/fs/file-system.js';
import type { FallocMode } from '../../lib/fs/fallocate.js';
import type { OpenFlag } from '../../lib/fs/open.js';
import type { OpenFile } from '../../lib/fs/open-file.js';
import type { Pipe } from '../../lib/fs/pipe.js';
import type { KernelName } from '../../lib/kernel-rules.js';
import type { ProtString } from '../../lib/mm/mm.js';
import type { Task } from '../../lib/sched/index.js';
import { ms, seconds, MiB } from '../../lib/units.js';
import { bytesOf, FsMachine, outcome, runs, type TestProcess } from './fs-fixture.js';

type Value = string | number | boolean | readonly string[];
type Step = Readonly<Record<string, Value>> & { readonly op: string };

export interface RecordedCase {
  readonly id: string;
  readonly steps: readonly Step[];
  readonly linux: Readonly<Record<'6.1' | '6.12' | '7.2', readonly (string | number)[]>>;
}

export function recorded(name: string): RecordedCase[] {
  const url = new URL(`../conformance/cases/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8')) as RecordedCase[];
}

interface Mapping {
  readonly addr: number;
  readonly len: number;
}

class NoHandle extends Error {}

class Player {
  readonly m: FsMachine;
  readonly fs: Record<string, FileSystem>;
  readonly handles = new Map<string, unknown>();
  readonly running = new Map<string, Promise<string | number>>();
  readonly tasks = new Map<string, Task[]>();
  readonly marks = new Map<string, number>();
  readonly ended = new Map<string, string>();

  constructor(m: FsMachine, fs: Record<string, FileSystem>) {
    this.m = m;
    this.fs = fs;
  }

  get<T>(step: Step, key: string): T {
    const found = this.handles.get(`${String(step['by'] ?? 'A')}:${String(step[key])}`);
    if (found === undefined) throw new NoHandle();
    return found as T;
  }

  async play(step: Step): Promise<string | number> {
    const by = String(step['by'] ?? 'A');
    const process = this.m.process(by);
    const op = ops[step.op]!;
    await this.m.sched.settle(); // between two steps of the recording everybody had time to run
    const keep = (value: unknown): void => {
      if (step['as'] !== undefined) this.handles.set(`${by}:${String(step['as'])}`, value);
    };
    const call = this.#run(op, step, process, keep);
    if (step['bg'] !== true) {
      const timeNs = step.op === 'finish' ? ms(Number(step['ms'] ?? 3000)) + 1 : seconds(20);
      return (await this.m.blocks(call, timeNs)) ? 'HUNG' : call;
    }
    const blocked = await this.m.blocks(call);
    this.running.set(`${by}:${String(step['as'])}`, call);
    return blocked ? 'blocked' : call;
  }

  async #run(
    op: Op,
    step: Step,
    process: TestProcess,
    keep: (value: unknown) => void,
  ): Promise<string | number> {
    try {
      return await op(this, step, process, keep);
    } catch (e) {
      if (e instanceof NoHandle) return 'no handle';
      return outcome(Promise.reject(e as Error));
    }
  }
}

type Op = (
  p: Player,
  s: Step,
  process: TestProcess,
  keep: (value: unknown) => void,
) => Promise<string | number>;

const n = (step: Step, key: string, otherwise = 0): number => Number(step[key] ?? otherwise);
const fsOf = (p: Player, s: Step): FileSystem => p.fs[String(s['on'])]!;
const byteOf = (s: Step): number => parseInt(String(s['byte']), 16);
const leaseArgs = { rd: 'F_RDLCK', wr: 'F_WRLCK', un: 'F_UNLCK' } as const;

const ops: Record<string, Op> = {
  async open(p, s, process, keep) {
    const flags = (s['flags'] ?? ['rdwr', 'creat']) as OpenFlag[];
    keep(await process.open(fsOf(p, s), `/${String(s['name'])}`, flags));
    return 'ok';
  },
  async close(p, s, process) {
    await process.close(p.get<OpenFile>(s, 'fd'));
    return 'ok';
  },
  async fsync(p, s, process) {
    await process.call((caller) => p.get<OpenFile>(s, 'fd').fsync(caller));
    return 'ok';
  },
  write: (p, s, process) =>
    process.write(p.get(s, 'fd'), n(s, 'off'), bytesOf(byteOf(s), n(s, 'len'))),
  read: async (p, s, process) => runs(await process.read(p.get(s, 'fd'), n(s, 'off'), n(s, 'len'))),
  async truncate(p, s, process) {
    await process.truncate(p.get(s, 'fd'), n(s, 'len'));
    return 'ok';
  },
  async truncate_path(p, s, process) {
    await process.call((c) => fsOf(p, s).truncate(c, `/${String(s['name'])}`, n(s, 'len')));
    return 'ok';
  },
  async fallocate(p, s, process) {
    const mode = String(s['mode']) as FallocMode;
    const file = p.get<OpenFile>(s, 'fd');
    await process.call((c) => file.fallocate(c, mode, n(s, 'off'), n(s, 'len')));
    return 'ok';
  },
  async unlink(p, s, process) {
    await process.call((c) => fsOf(p, s).unlink(c, `/${String(s['name'])}`));
    return 'ok';
  },
  async rename(p, s, process) {
    await process.call((c) => fsOf(p, s).rename(c, `/${String(s['frm'])}`, `/${String(s['to'])}`));
    return 'ok';
  },
  size: async (p, s) => p.get<OpenFile>(s, 'fd').stat().size,
  async free_mark(p, s) {
    p.marks.set(String(s['on']), fsOf(p, s).statfs().free);
    return 'ok';
  },
  free_delta: async (p, s) => fsOf(p, s).statfs().free - p.marks.get(String(s['on']))!,
  async mmap(p, s, process, keep) {
    const file = s['fd'] === undefined ? null : p.get<OpenFile>(s, 'fd');
    const prot = String(s['prot'] ?? 'rw') as ProtString;
    const share = String(s['share'] ?? 'shared') as 'shared' | 'private';
    const pgoff = n(s, 'off') / 4096;
    const addr = await process.mmap(file, n(s, 'len'), { prot, share, pgoff });
    keep({ addr, len: n(s, 'len') });
    return 'ok';
  },
  async munmap(p, s, process) {
    const map = p.get<Mapping>(s, 'map');
    await process.munmap(map.addr + n(s, 'off'), n(s, 'len', map.len));
    return 'ok';
  },
  async madvise(p, s, process) {
    const map = p.get<Mapping>(s, 'map');
    const advice = String(s['advice']) as 'dontneed' | 'remove';
    const { mm } = process;
    await process.call((c) => mm.madvise(c.task, map.addr + n(s, 'off'), n(s, 'len'), advice));
    return 'ok';
  },
  async store(p, s, process) {
    const { addr } = p.get<Mapping>(s, 'map');
    await process.store(addr + n(s, 'off'), bytesOf(byteOf(s), n(s, 'len')));
    return 'ok';
  },
  async load(p, s, process) {
    const { addr } = p.get<Mapping>(s, 'map');
    return runs(await process.load(addr + n(s, 'off'), n(s, 'len')));
  },
  async pin(p, s, process, keep) {
    const { addr } = p.get<Mapping>(s, 'map');
    const { pipe, len } = await process.pin(addr + n(s, 'off'), n(s, 'len'));
    keep(pipe);
    return len;
  },
  unpin: async (p, s, process) => runs(await process.unpin(p.get<Pipe>(s, 'pin'))),
  async dio(p, s, process) {
    const file = p.get<OpenFile>(s, 'fd');
    const addr = p.get<Mapping>(s, 'map').addr + n(s, 'moff');
    const dir = s['dir'] === 'read' ? 'readDirect' : 'writeDirect';
    return process.call((c) => file[dir](c, n(s, 'off'), process.mm, addr, n(s, 'len')));
  },
  async lease(p, s, process) {
    const file = p.get<OpenFile>(s, 'fd');
    const arg = leaseArgs[String(s['type']) as 'rd' | 'wr' | 'un'];
    await process.call((c) => file.setLease(c, arg, 3));
    return 'ok';
  },
  getlease: async (p, s) => p.get<OpenFile>(s, 'fd').getLease(),
  async lease_break_time(p, s) {
    p.m.leaseSettings.breakTimeNs = seconds(n(s, 's'));
    return 'ok';
  },
  async signals(_p, _s, process) {
    const got = [...new Set(process.signals.splice(0))].sort();
    return got.length === 0 ? 'none' : got.join(',');
  },
  async exit(p, _s, process) {
    await process.exit();
    p.ended.set(process.name, 'exit:0');
    return 'ok';
  },
  async as_user(_p, _s, process) {
    process.cred.uid = 1000;
    process.cred.gid = 1000;
    process.cred.caps = new Set();
    return 'ok';
  },
  async sleep(p, s) {
    await p.m.sched.runFor(ms(n(s, 'ms')));
    return 'ok';
  },
  async finish(p, s) {
    const call = p.running.get(`${String(s['by'] ?? 'A')}:${String(s['of'])}`);
    if (call === undefined) return 'no handle';
    return (await p.m.blocks(call, ms(n(s, 'ms', 3000)))) ? 'blocked' : call;
  },
};

/** Whether every step of a case can be played here. */
export const playable = (c: RecordedCase): boolean => c.steps.every((s) => s.op in ops);

/** What the steps of a case answer here, under the rules of a kernel. */
export async function answers(c: RecordedCase, kernel: KernelName): Promise<(string | number)[]> {
  const m = new FsMachine({ kernel, ramPages: 1024, deviceLen: 3 * MiB });
  const fs = {
    'ext4-dax': await m.make('ext4', { dax: true }),
    'xfs-dax': await m.make('xfs', { dax: true }),
    ext4: await m.make('ext4'),
    tmpfs: await m.make('tmpfs'),
  };
  const player = new Player(m, fs);
  const out: (string | number)[] = [];
  for (const step of c.steps) out.push(await player.play(step));
  m.device.close();
  return out;
}
