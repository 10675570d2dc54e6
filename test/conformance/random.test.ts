// Goal: no sequence of the language finds a bug: every step has an answer that a kernel could give,
// none hangs, and the machine is balanced at the end. Method: random sequences by seed, over all
// areas at once, on every kernel. CASES=5000 in the environment plays more of them.

import test from 'ava';
import type { Step } from '../../lib/conformance/case.js';
import { replayCase } from '../../lib/conformance/replay.js';
import type { KernelName } from '../../lib/kernel-rules.js';
import { Prng } from '../../lib/sched/index.js';

const mounts = ['ext4-dax', 'xfs-dax', 'ext4', 'tmpfs'];
const offsets = [0, 1, 100, 4095, 4096, 8192, 20480, 61440, 65536, 73728];
const lengths = [0, 1, 64, 4096, 4097, 8192, 16384, 65536];
const access = ['local_write', 'remote_write', 'remote_read', 'remote_atomic', 'mw_bind'];

class Generator {
  readonly #prng: Prng;
  readonly #names = new Map<string, string[]>();
  #next = 0;

  constructor(seed: number) {
    this.#prng = new Prng(seed);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.#prng.below(from.length)]!;
  }

  some<T>(from: readonly T[]): T[] {
    return from.filter(() => this.#prng.chance(0.4));
  }

  /** A name made before, or one that nobody made. */
  use(kind: string): string {
    return this.pick([...(this.#names.get(kind) ?? []), 'nobody']);
  }

  make(kind: string): string {
    const name = `${kind}${this.#next++}`;
    this.#names.set(kind, [...(this.#names.get(kind) ?? []), name]);
    return name;
  }

  step(): Step {
    const [op, args] = this.pick(Object.entries(this.#steps));
    return { op, ...args(), ...(this.#prng.chance(0.15) ? { by: 'B' } : {}) };
  }

  readonly #range = () => ({ off: this.pick(offsets), len: this.pick(lengths) });
  readonly #file = () => ({ on: this.pick(mounts), name: this.pick(['f', 'g']) });
  readonly #bg = () => (this.#prng.chance(0.5) ? { bg: true, as: this.make('t') } : {});
  readonly #video = () => ({
    fd: this.use('video'),
    mem: this.pick(['mmap', 'userptr', 'dmabuf']),
  });
  readonly #buffer = () => ({
    ...this.#video(),
    i: this.#prng.below(4),
    ...(this.#prng.chance(0.5) ? { map: this.use('map'), off: 0, len: 65536 } : {}),
  });

  readonly #flags = () => [
    this.pick(['rdwr', 'rdonly', 'wronly']),
    ...this.some(['creat', 'trunc', 'nonblock', 'excl', 'direct']),
  ];

  readonly #steps: Record<string, () => Record<string, unknown>> = {
    open: () => ({ ...this.#file(), flags: this.#flags(), ...this.#bg(), as: this.make('fd') }),
    close: () => ({ fd: this.use('fd'), ...this.#bg() }),
    write: () => ({ fd: this.use('fd'), byte: '5a', ...this.#range(), ...this.#bg() }),
    read: () => ({ fd: this.use('fd'), ...this.#range(), ...this.#bg() }),
    fsync: () => ({ fd: this.use('fd') }),
    truncate: () => ({ fd: this.use('fd'), len: this.pick(lengths), ...this.#bg() }),
    truncate_path: () => ({ ...this.#file(), len: this.pick(lengths), ...this.#bg() }),
    fallocate: () => ({
      fd: this.use('fd'),
      mode: this.pick(['alloc', 'keep_size', 'punch', 'zero', 'collapse', 'insert']),
      ...this.#range(),
      ...this.#bg(),
    }),
    unlink: () => ({ ...this.#file(), ...this.#bg() }),
    rename: () => ({ on: this.pick(mounts), frm: this.pick(['f', 'g']), to: 'f', ...this.#bg() }),
    size: () => ({ fd: this.use('fd') }),
    mmap: () => ({
      len: this.pick([4096, 65536, 131072]),
      ...(this.#prng.chance(0.7) ? { fd: this.use('fd') } : {}),
      prot: this.pick(['rw', 'r', '']),
      share: this.pick(['shared', 'private']),
      as: this.make('map'),
    }),
    munmap: () => ({ map: this.use('map'), ...this.#range() }),
    mprotect: () => ({ map: this.use('map'), prot: this.pick(['rw', 'r', '']) }),
    mlock: () => ({ map: this.use('map'), ...this.#range() }),
    madvise: () => ({
      map: this.use('map'),
      advice: this.pick(['dontneed', 'remove']),
      ...this.#range(),
    }),
    store: () => ({ map: this.use('map'), byte: '11', ...this.#range() }),
    load: () => ({ map: this.use('map'), ...this.#range() }),
    pin: () => ({ map: this.use('map'), ...this.#range(), as: this.make('pin') }),
    unpin: () => ({ pin: this.use('pin') }),
    dio: () => ({
      fd: this.use('fd'),
      dir: this.pick(['read', 'write']),
      off: this.pick([0, 4096, 512, 1]),
      len: 4096,
      map: this.use('map'),
      moff: 0,
    }),
    uring_reg: () => ({ map: this.use('map'), ...this.#range(), as: this.make('ring') }),
    uring_close: () => ({ ring: this.use('ring') }),
    lease: () => ({ fd: this.use('fd'), type: this.pick(['rd', 'wr', 'un']) }),
    getlease: () => ({ fd: this.use('fd') }),
    signals: () => ({}),
    vmpin: () => ({}),
    pd: () => ({ as: this.make('pd') }),
    dealloc_pd: () => ({ pd: this.use('pd') }),
    reg_mr: () => ({
      pd: this.use('pd'),
      map: this.use('map'),
      ...this.#range(),
      access: this.some([...access, 'on_demand']),
      as: this.make('mr'),
    }),
    dereg_mr: () => ({ mr: this.use('mr') }),
    rereg_mr: () => ({
      mr: this.use('mr'),
      flags: this.some(['access', 'pd', 'translation']),
      access: this.some(access),
      pd: this.use('pd'),
      map: this.use('map'),
      ...this.#range(),
    }),
    mw: () => ({ pd: this.use('pd'), as: this.make('mw') }),
    bind_mw: () => ({ qp: this.use('qp'), mw: this.use('mw'), mr: this.use('mr'), len: 4096 }),
    dealloc_mw: () => ({ mw: this.use('mw') }),
    qp_pair: () => ({ pd: this.use('pd'), as: this.make('qp') }),
    rdma: () => ({
      qp: this.use('qp'),
      verb: this.pick(['write', 'read', 'fetch_add', 'cmp_swp', 'send']),
      lmr: this.use('mr'),
      rmr: this.use('mr'),
      loff: this.pick([0, 8, 4088]),
      roff: this.pick([0, 4, 8, -8, 4088]),
      len: this.pick([0, 1, 8, 64, 4096]),
    }),
    recv: () => ({ qp: this.use('qp'), mr: this.use('mr'), len: this.pick([0, 64, 4096]) }),
    poll_cq: () => ({ qp: this.use('qp') }),
    qp_state: () => ({ qp: this.use('qp') }),
    v_open: () => ({ as: this.make('video') }),
    v_fmt: () => ({ fd: this.use('video'), w: 320, h: this.pick([180, 360]), fourcc: 'YUYV' }),
    v_reqbufs: () => ({ ...this.#video(), count: this.#prng.below(4) }),
    v_create: () => ({ ...this.#video(), count: this.#prng.below(3) }),
    v_querybuf: () => ({ fd: this.use('video'), i: this.#prng.below(4) }),
    v_qbuf: this.#buffer,
    v_prepare: this.#buffer,
    v_dqbuf: () => ({ fd: this.use('video'), ...this.#bg() }),
    v_streamon: () => ({ fd: this.use('video') }),
    v_streamoff: () => ({ fd: this.use('video') }),
    v_expbuf: () => ({ fd: this.use('video'), i: this.#prng.below(3), as: this.make('buf') }),
    v_poll: () => ({ fd: this.use('video'), ms: 20 }),
    sleep: () => ({ ms: 200 }),
    finish: () => ({ of: this.use('t'), ms: 600 }),
  };
}

/** What a kernel may answer: a word, an errno, a number, bytes; never a bug of ours. */
const impossible = /^(bug|unsupported|not recorded)/;

function sequence(seed: number, nrSteps: number): Step[] {
  const g = new Generator(seed);
  const open = { op: 'open', on: g.pick(mounts), name: 'f', as: g.make('fd') };
  const begin: Step[] = [open, { op: 'write', fd: open.as, off: 0, byte: '5a', len: 65536 }];
  begin.push({ op: 'mmap', fd: open.as, len: 65536, as: g.make('map') });
  begin.push({ op: 'pd', as: g.make('pd') });
  return [...begin, ...Array.from({ length: nrSteps }, () => g.step())];
}

const nrCases = Number(process.env['CASES'] ?? 150);

for (const kernel of ['6.1', '6.12', '7.2', 'proposed'] satisfies KernelName[]) {
  test(`${nrCases} random sequences find no bug on ${kernel}`, async (t) => {
    const told: string[] = [];
    for (let seed = 1; seed <= nrCases; seed++) {
      const steps = sequence(seed, 60);
      const c = { id: `seed ${seed}`, title: '', area: 'random', steps, linux: {} };
      const { differ } = await replayCase(c, kernel);
      const bugs = differ.filter((d) => impossible.test(String(d.ours)));
      const hung = differ.filter((d) => d.ours === 'HUNG' && !mayBlock.has(d.op));
      told.push(...[...bugs, ...hung].map((d) => `${d.id} step ${d.step} ${d.op}: ${d.ours}`));
    }
    t.deepEqual(told, []);
  });
}

/** Operations that may wait for a lease, a pin or a lock that another step of the case holds. */
const mayBlock = new Set([
  'open',
  'close',
  'write',
  'read',
  'truncate',
  'truncate_path',
  'fallocate',
  'unlink',
  'rename',
  'dio',
  'madvise',
  'munmap',
  'fsync',
  'size',
  'v_dqbuf',
]);
