// Goal: mappings, sizes and holes agree byte for byte. Method: the byte tables of xfstests (facts,
// judges 2.5), on every kind of file, before and after a remount.

import test from 'ava';
import type { FileSystem } from '../../lib/fs/file-system.js';
import type { FallocMode } from '../../lib/fs/fallocate.js';
import type { OpenFile } from '../../lib/fs/open-file.js';
import { bytesOf, FsMachine, KiB, outcome, PAGES, type TestProcess } from './fs-fixture.js';

const kinds = [
  { flavor: 'ext4', dax: true },
  { flavor: 'xfs', dax: true },
  { flavor: 'ext4', dax: false },
  { flavor: 'xfs', dax: false },
  { flavor: 'tmpfs', dax: false },
] as const;

interface Stage {
  readonly m: FsMachine;
  readonly fs: FileSystem;
  readonly app: TestProcess;
  readonly file: OpenFile;
  mapped: number;
}

type Part = readonly [letter: string, from: number, to: number];
/** Letters of [from, to); what no part covers is zeros. */
function picture(len: number, parts: readonly Part[]): Uint8Array {
  const bytes = new Uint8Array(len);
  for (const [letter, from, to] of parts) bytes.fill(letter.charCodeAt(0), from, to);
  return bytes;
}

const put = (s: Stage, letter: string, from: number, to: number): Promise<void> =>
  s.app.store(s.mapped + from, bytesOf(letter, to - from));
const cut = (s: Stage, len: number): Promise<void> => s.app.truncate(s.file, len);
const falloc = (s: Stage, mode: FallocMode, pos: number, len: number): Promise<void> =>
  s.app.call((c) => s.file.fallocate(c, mode, pos, len));
const map = async (s: Stage, len: number): Promise<void> => {
  s.mapped = await s.app.mmap(s.file, len);
};

interface Table {
  readonly id: string;
  readonly size: number;
  readonly expected: readonly Part[];
  run(s: Stage): Promise<void>;
  readonly notOn?: 'tmpfs';
}

const tables: readonly Table[] = [
  {
    id: '029a: shrink and regrow under a mapping',
    size: 5120,
    expected: [
      ['X', 0, 2048],
      ['Y', 2048, 5120],
    ],
    async run(s) {
      await put(s, 'Z', 2048, 5120);
      await cut(s, 2048);
      await cut(s, 5120);
      await put(s, 'Y', 2048, 5120);
    },
  },
  {
    id: '029b: a store below the new end after the shrink',
    size: 5120,
    expected: [
      ['X', 0, 1024],
      ['W', 1024, 2048],
      ['Y', 2048, 5120],
    ],
    async run(s) {
      await put(s, 'Z', 2048, 5120);
      await cut(s, 2048);
      await put(s, 'W', 1024, 2048);
      await cut(s, 5120);
      await put(s, 'Y', 2048, 5120);
    },
  },
  {
    id: '029c: unaligned ends',
    size: 5121,
    expected: [
      ['X', 0, 513],
      ['W', 513, 1538],
      ['X', 1538, 2047],
      ['Y', 2047, 5118],
    ],
    async run(s) {
      await put(s, 'Z', 2047, 5118);
      await cut(s, 2047);
      await put(s, 'W', 513, 1538);
      await cut(s, 5121);
      await put(s, 'Y', 2047, 5118);
    },
  },
  {
    id: '030a: grow, map again, shrink, grow',
    size: 57 * KiB,
    expected: [
      ['X', 0, 57 * KiB],
      ['Y', 57 * KiB, 60 * KiB],
    ],
    async run(s) {
      await cut(s, 60 * KiB);
      await map(s, 60 * KiB);
      await put(s, 'W', 57 * KiB, 60 * KiB);
      await cut(s, 57 * KiB);
      await cut(s, 60 * KiB);
      await map(s, 60 * KiB);
      await put(s, 'Y', 57 * KiB, 60 * KiB);
    },
  },
  {
    id: '030b: the same with a store after the shrink',
    size: 57 * KiB,
    expected: [
      ['X', 0, 56 * KiB],
      ['Z', 56 * KiB, 57 * KiB],
      ['Y', 57 * KiB, 60 * KiB],
    ],
    async run(s) {
      await cut(s, 60 * KiB);
      await map(s, 60 * KiB);
      await put(s, 'W', 57 * KiB, 60 * KiB);
      await cut(s, 57 * KiB);
      await put(s, 'Z', 56 * KiB, 57 * KiB);
      await cut(s, 60 * KiB);
      await put(s, 'Y', 57 * KiB, 60 * KiB);
    },
  },
  {
    id: '030c: unaligned, at the sizes of the table less 5 MiB',
    size: 5136912 - 5120 * 1000,
    expected: [
      ['X', 0, 16912],
      ['Y', 16912, 19720],
    ],
    async run(s) {
      await cut(s, 20480);
      await map(s, 20480);
      await put(s, 'W', 16912, 19720);
      await cut(s, 16912);
      await cut(s, 20480);
      await put(s, 'Y', 16912, 19720);
    },
  },
  {
    id: '567: punch under a mapping, then store',
    size: 12288,
    expected: [
      ['X', 0, 2048],
      ['Y', 2048, 10240],
      ['X', 10240, 12288],
    ],
    async run(s) {
      await put(s, 'Z', 2048, 10240);
      await falloc(s, 'punch', 2048, 8192);
      await put(s, 'Y', 2048, 10240);
    },
  },
  {
    id: '567, punched only: zeros between the letters',
    size: 12288,
    expected: [
      ['X', 0, 2048],
      ['X', 10240, 12288],
    ],
    async run(s) {
      await put(s, 'Z', 2048, 10240);
      await falloc(s, 'punch', 2048, 8192);
    },
  },
  {
    id: '758: zero range under a mapping, then store',
    size: 12288,
    notOn: 'tmpfs',
    expected: [
      ['X', 0, 2048],
      ['Y', 2048, 10240],
      ['X', 10240, 12288],
    ],
    async run(s) {
      await put(s, 'Z', 2048, 10240);
      await falloc(s, 'zero', 2048, 8192);
      await put(s, 'Y', 2048, 10240);
    },
  },
  {
    id: 'a punch inside one page',
    size: 8192,
    expected: [
      ['X', 0, 100],
      ['X', 200, 8192],
    ],
    run: (s) => falloc(s, 'punch', 100, 100),
  },
  {
    id: 'write far past the end: zeros between',
    size: 5000,
    expected: [
      ['X', 0, 5000],
      ['W', 30000, 30010],
    ],
    async run(s) {
      await s.app.write(s.file, 30000, bytesOf('W', 10));
    },
  },
];

for (const { flavor, dax } of kinds) {
  for (const table of tables.filter((row) => row.notOn !== flavor)) {
    test(`${flavor}${dax ? '-dax' : ''} ${table.id}`, async (t) => {
      const m = new FsMachine({ kernel: '7.2' });
      const fs = await m.make(flavor, { dax });
      const app = m.process();
      const file = await app.open(fs, '/f');
      const s: Stage = { m, fs, app, file, mapped: 0 };
      await app.write(file, 0, bytesOf('X', table.size));
      await map(s, table.size);
      await table.run(s);
      const len = file.stat().size;
      const expected = picture(len, table.expected);
      t.deepEqual(await app.read(file, 0, len + 1), expected);
      t.deepEqual(await app.load(s.mapped, Math.min(len, 4096)), expected.subarray(0, 4096));
      await app.exit();
      await m.sched.settle();
      if (flavor !== 'tmpfs') {
        const again = await m.remount(fs);
        const reader = m.process('reader');
        const reopened = await reader.open(again, '/f', ['rdonly']);
        t.deepEqual(await reader.read(reopened, 0, len + 1), expected, 'after a remount');
      }
      await m.end(t);
    });
  }
}

for (const { flavor, dax } of kinds) {
  const name = `${flavor}${dax ? '-dax' : ''}`;

  test(`${name} 469: bytes past the end in the last page read as zeros`, async (t) => {
    const scripts: readonly ((s: Stage) => Promise<[page: number, end: number]>)[] = [
      async (s) => {
        await falloc(s, 'keep_size', 0, 4096);
        await s.app.write(s.file, 0, bytesOf('a', 4096));
        await cut(s, 16);
        await falloc(s, 'punch', 16, 16);
        return [0, 16];
      },
      async (s) => {
        await falloc(s, 'keep_size', 0, 4096);
        await s.app.write(s.file, 0, bytesOf('a', 4096));
        await cut(s, 16);
        return [0, 16];
      },
      async (s) => {
        await falloc(s, 'alloc', 0, 4096);
        await s.app.write(s.file, 0, bytesOf('a', 4096));
        await cut(s, 16);
        return [0, 16];
      },
      async (s) => {
        await falloc(s, 'keep_size', 0x35870, 0xa790);
        await s.app.write(s.file, 0x2aa50, bytesOf('a', 0xc37f));
        await cut(s, 0x36dcd);
        if (flavor !== 'tmpfs') await falloc(s, 'zero', 0x35849, 0x1584);
        return [0x36, 0xdcd];
      },
    ];
    for (const script of scripts) {
      for (const synced of [false, true]) {
        const m = new FsMachine({ kernel: '6.12' });
        const fs = await m.make(flavor, { dax });
        const app = m.process();
        const s = { m, fs, app, file: await app.open(fs, '/f'), mapped: 0 };
        const [page, end] = await script(s);
        if (synced) await app.call((c) => s.file.fsync(c));
        await map(s, PAGES(page + 1));
        const tail = await app.load(s.mapped + PAGES(page) + end, 4096 - end);
        t.true(tail.every((b) => b === 0));
        await m.end(t);
      }
    }
  });

  test(`${name} 749: the last page's tail is memory, not file; past it SIGBUS`, async (t) => {
    for (const sparse of [false, true]) {
      const m = new FsMachine();
      const fs = await m.make(flavor, { dax });
      const app = m.process();
      const file = await app.open(fs, '/f');
      if (sparse) await app.truncate(file, 5000);
      else await app.call((c) => file.fallocate(c, 'alloc', 0, 5000));
      const addr = await app.mmap(file, PAGES(4));
      t.deepEqual(await app.load(addr + 5000, 8192 - 5000), new Uint8Array(8192 - 5000));
      await app.store(addr + 5000, bytesOf('t', 100));
      t.is(file.stat().size, 5000);
      t.deepEqual(await app.read(file, 0, 6000), new Uint8Array(5000));
      t.is(await outcome(app.load(addr + PAGES(2), 1)), 'SIGBUS');
      t.is(await outcome(app.store(addr + PAGES(3), bytesOf(1, 1))), 'SIGBUS');
      await m.end(t);
    }
  });

  test(`${name}: a store past the end in the last page, then grow`, async (t) => {
    for (const grow of ['truncate', 'write', 'fallocate'] as const) {
      const m = new FsMachine();
      const fs = await m.make(flavor, { dax });
      const app = m.process();
      const file = await app.open(fs, '/f');
      await app.write(file, 0, bytesOf('a', 100));
      const addr = await app.mmap(file, PAGES(1));
      await app.store(addr + 200, bytesOf('s', 4));
      if (grow === 'truncate') await app.truncate(file, 4096);
      else if (grow === 'write') await app.write(file, 4095, bytesOf('w', 1));
      else await app.call((c) => file.fallocate(c, 'alloc', 0, 4096));
      const shown = flavor === 'tmpfs' ? bytesOf('s', 4) : new Uint8Array(4);
      t.deepEqual(await app.read(file, 200, 4), shown, grow);
      await m.end(t);
    }
  });

  test(`${name}: past the new end is SIGBUS, private copies too; regrown, zeros`, async (t) => {
    const m = new FsMachine();
    const fs = await m.make(flavor, { dax });
    const app = m.process();
    const file = await app.open(fs, '/f');
    await app.write(file, 0, bytesOf('a', PAGES(4)));
    const shared = await app.mmap(file, PAGES(4));
    const own = await app.mmap(file, PAGES(4), { share: 'private' });
    await app.store(own + PAGES(2), bytesOf('p', PAGES(1)));
    t.deepEqual(await app.read(file, PAGES(2), 1), bytesOf('a', 1));
    await app.truncate(file, PAGES(1) + 10);
    t.is(await outcome(app.load(own + PAGES(2), 1)), 'SIGBUS');
    t.is(await outcome(app.load(shared + PAGES(3), 1)), 'SIGBUS');
    t.deepEqual(await app.load(shared + PAGES(1) + 10, 20), new Uint8Array(20));
    await app.truncate(file, PAGES(4));
    t.deepEqual(await app.load(own + PAGES(2), 8), new Uint8Array(8));
    t.deepEqual(await app.load(shared, PAGES(1)), bytesOf('a', PAGES(1)));
    await m.end(t);
  });

  test(`${name} 614: a store to a hole gives the file a block, a load gives it none`, async (t) => {
    const m = new FsMachine();
    const fs = await m.make(flavor, { dax });
    const app = m.process();
    const file = await app.open(fs, '/f');
    await app.truncate(file, PAGES(8));
    t.is(file.stat().blocks, 0);
    const addr = await app.mmap(file, PAGES(8));
    await app.load(addr, PAGES(8));
    if (flavor !== 'tmpfs') t.is(file.stat().blocks, 0);
    await app.store(addr + PAGES(3), bytesOf('x', 1));
    t.true(file.stat().blocks > 0);
    t.deepEqual(await app.read(file, PAGES(3), 2), Uint8Array.of(120, 0));
    await m.end(t);
  });
}
