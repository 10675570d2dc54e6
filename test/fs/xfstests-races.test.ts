// Goal: rows of xfstests in which several tasks work on one file at once hold; each test is named
// after its row. Method: the two sides run side by side on simulated time, by many seeds of the
// scheduler; what they leave is judged after each round.

import test from 'ava';
import type { FallocMode } from '../../lib/fs/fallocate.js';
import { isErrno } from '../../lib/errno.js';
import { VmFault } from '../../lib/mm/vma.js';
import { bytesOf, FsMachine, KiB, outcome, PAGES, runs } from './fs-fixture.js';

const kinds = [
  ['ext4', true],
  ['xfs', true],
  ['ext4', false],
  ['xfs', false],
] as const;

for (const [flavor, dax] of kinds) {
  const on = `${flavor}${dax ? '-dax' : ''}`;

  test(`${on} 247: direct writes of a block beside mapped stores to the next lose neither`, async (t) => {
    for (let seed = 1; seed <= 6; seed++) {
      const m = new FsMachine({ sched: { mode: 'simulated', timers: 'manual', seed } });
      const fs = await m.make(flavor, { dax });
      const [app, other] = [m.process('direct'), m.process('mapped')];
      const direct = await app.open(fs, '/f', ['rdwr', 'creat', 'direct']);
      await app.truncate(direct, PAGES(16));
      const mapped = await other.open(fs, '/f');
      const source = await app.mmap(null, PAGES(1), { share: 'private' });
      const addr = await other.mmap(mapped, PAGES(16));
      await app.store(source, bytesOf('d', PAGES(1)));
      const writes = async (): Promise<void> => {
        const buffer = { mm: app.mm, addr: source, len: PAGES(1) };
        for (let i = 0; i < 8; i++) {
          await app.call((c) => direct.writeFromUser(c, PAGES(2 * i), buffer));
        }
      };
      const stores = async (): Promise<void> => {
        for (let i = 0; i < 8; i++) {
          await other.store(addr + PAGES(2 * i + 1), bytesOf('m', PAGES(1)));
        }
      };
      await Promise.all([writes(), stores()]);
      const found = await other.read(mapped, 0, PAGES(16));
      for (let i = 0; i < 16; i++) {
        const page = runs(found.subarray(PAGES(i), PAGES(i + 1)));
        t.is(page, i % 2 === 0 ? '64*4096' : '6d*4096', `page ${i}, seed ${seed}`);
      }
      t.deepEqual(await other.load(addr, PAGES(16)), found, 'the mapping sees the same');
      await m.end(t);
    }
  });

  test(`${on} 446: mapped stores against truncates leave no byte that nobody stored`, async (t) => {
    for (let seed = 1; seed <= 6; seed++) {
      const m = new FsMachine({ sched: { mode: 'simulated', timers: 'manual', seed } });
      const fs = await m.make(flavor, { dax });
      const [app, other] = [m.process('stores'), m.process('truncates')];
      const file = await app.open(fs, '/f');
      const cut = await other.open(fs, '/f');
      // Blocks that held other bytes before: stale ones would show.
      await app.write(file, 0, bytesOf('X', PAGES(12)));
      await app.truncate(file, 0);
      await app.truncate(file, PAGES(12));
      const addr = await app.mmap(file, PAGES(12));
      const stores = async (): Promise<void> => {
        for (let i = 0; i < 24; i++) {
          const ended = await outcome(app.store(addr + PAGES(i % 12) + 100, bytesOf('m', 50)));
          t.true(ended === 'ok' || ended === 'SIGBUS', ended);
        }
      };
      const truncates = async (): Promise<void> => {
        for (let i = 0; i < 12; i++) {
          await other.truncate(cut, PAGES((i * 5) % 12) + 123);
          await other.truncate(cut, PAGES(12));
        }
      };
      await Promise.all([stores(), truncates()]);
      const found = await other.read(cut, 0, PAGES(12));
      t.true(
        found.every((b) => b === 0 || b === 0x6d),
        `seed ${seed}`,
      );
      for (let page = 0; page < 12; page++) {
        const rest = found.slice(PAGES(page), PAGES(page + 1)).fill(0, 100, 150);
        t.true(
          rest.every((b) => b === 0),
          `page ${page}: bytes outside of the stores`,
        );
      }
      t.deepEqual(await app.load(addr, PAGES(12)), found);
      await m.end(t);
    }
  });
}

/** t_mmap_collision.c: what the second thread does to the first page of the mapped file. */
const collisions: Readonly<Record<string, { modes: readonly FallocMode[]; errors: boolean }>> = {
  'punch hole': { modes: ['punch'], errors: false },
  'zero range': { modes: ['zero'], errors: false },
  'truncate 0 and fallocate': { modes: [], errors: true },
  'collapse the first page': { modes: ['collapse', 'insert'], errors: true },
};

for (const [name, { modes, errors }] of Object.entries(collisions)) {
  test(`503: direct reads into a mapping against ${name}`, async (t) => {
    for (const flavor of ['ext4', 'xfs'] as const) {
      for (let seed = 1; seed <= 4; seed++) {
        const m = new FsMachine({ sched: { mode: 'simulated', timers: 'manual', seed } });
        const fs = await m.make(flavor, { dax: true });
        const plain = await m.make(flavor);
        const [app, other] = [m.process('reads'), m.process('changes')];
        const source = await app.open(plain, '/s', ['rdwr', 'creat', 'direct']);
        await app.write(source, 0, bytesOf('s', PAGES(4)));
        const file = await app.open(fs, '/f');
        await app.call((c) => file.fallocate(c, 'alloc', 0, PAGES(4)));
        const changed = await other.open(fs, '/f');
        const addr = await app.mmap(file, PAGES(4));
        const reads = async (): Promise<void> => {
          for (let i = 0; i < 20; i++) {
            const buffer = { mm: app.mm, addr, len: PAGES(4) };
            try {
              const got = await app.call((c) => source.readToUser(c, 0, buffer));
              if (!errors) t.is(got, PAGES(4), 'every read returns all four pages');
            } catch (e) {
              t.true(errors && (isErrno(e, 'EFAULT') || e instanceof VmFault), String(e));
            }
          }
        };
        const changes = async (): Promise<void> => {
          for (let i = 0; i < 20; i++) {
            for (const mode of modes) {
              await other.call((c) => changed.fallocate(c, mode, 0, PAGES(1)));
            }
            if (modes.length > 0) continue;
            await other.truncate(changed, 0);
            await other.call((c) => changed.fallocate(c, 'alloc', 0, PAGES(4)));
          }
        };
        await Promise.all([reads(), changes()]);
        t.is(file.stat().size, PAGES(4));
        const left = await app.read(file, 0, PAGES(4));
        t.true(
          left.every((b) => b === 0 || b === 0x73),
          'the source or zeros',
        );
        await m.end(t);
      }
    }
  });
}

/** The operations of tests/generic/499 and 511, in fsx's order: operation, position, length. */
const endScripts: Readonly<Record<string, readonly (readonly [string, number, number])[]>> = {
  499: [
    ['keep_size', 0x77e2, 0x5f06],
    ['truncate', 0x3f989, 0], // the size that fsx's mapwrite wants
    ['mapwrite', 0x2e7fc, 0x42ba],
    ['write', 0x67a9, 0x714e],
    ['write', 0x39f96, 0x185a],
    ['collapse', 0x36000, 0x8000],
    ['truncate', 0x8aa2, 0],
    ['zero', 0x1265, 0x783d],
  ],
  511: [
    ['truncate', 0x1f0d6, 0],
    ['write', 0x1ad87, 0x6c99],
    ['zero_keep_size', 0x14426, 0xd3aa],
  ],
};

for (const [flavor, dax] of kinds) {
  for (const [name, script] of Object.entries(endScripts)) {
    test(`${flavor}${dax ? '-dax' : ''} ${name}: a mapping reads zeros past the end`, async (t) => {
      const m = new FsMachine({ kernel: '7.2' });
      const fs = await m.make(flavor, { dax, len: 1024 * KiB });
      const app = m.process();
      const file = await app.open(fs, '/f');
      for (const [op, pos, len] of script) {
        if (op === 'truncate') await app.truncate(file, pos);
        else if (op === 'mapwrite') {
          const addr = await app.mmap(file, PAGES(64));
          await app.store(addr + pos, bytesOf('m', len));
          await app.munmap(addr, PAGES(64));
        } else if (op === 'write') await app.write(file, pos, bytesOf('w', len));
        else await app.call((c) => file.fallocate(c, op as FallocMode, pos, len));
        const { size } = file.stat();
        if (size === 0) continue;
        const whole = Math.ceil(size / PAGES(1)) * PAGES(1);
        const addr = await app.mmap(file, whole);
        const tail = await app.load(addr + size, whole - size);
        t.true(
          tail.every((b) => b === 0),
          `after ${op} ${pos.toString(16)}`,
        );
        t.deepEqual(await app.load(addr, size), await app.read(file, 0, size));
        await app.munmap(addr, whole);
      }
      await m.end(t);
    });
  }
}
