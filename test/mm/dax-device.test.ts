// Goal: one device file serves several openers; nobody's counts are lost, and only the dead lose
// them.
// Method: openers in this process and in child processes, some of which are killed while they hold
// pins.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import test from 'ava';

import { Errno } from '../../lib/errno.js';
import { bootMachine } from '../../lib/machine.js';
import { DaxDevice } from '../../lib/mm/dax-device.js';
import { native, type NativePageSpace } from '../../lib/native.js';
import { GiB, MiB, PAGE_SIZE } from '../../lib/units.js';
import { Child, inWorker } from '../native/threads.js';
import { assertMachineBalanced } from '../support/balance.js';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'leasehold-device-'));
test.after.always(() => fs.rmSync(folder, { recursive: true }));

let nextFile = 0;
const newPath = () => path.join(folder, `pmem${nextFile++}.img`);

function newDevice(size = MiB) {
  const file = newPath();
  return { file, device: DaxDevice.open(file, { size, create: true }) };
}

/** What a descriptor of this process stands for; none: it was closed meanwhile. */
function targetOf(fd: string): string[] {
  try {
    return [fs.readlinkSync(`/proc/self/fd/${fd}`)];
  } catch {
    return [];
  }
}

function spaceOf(device: DaxDevice): NativePageSpace {
  const space = new native.PageSpace();
  const region = device.region(0);
  space.setOpener(space.addRegion(region), region.slot);
  return space;
}

// A process that opens the device and pins pages, says so, and then sleeps until it is told to end.
const pinner = (file: string, start: number, nrPages: number) => `
  const { DaxDevice } = await import(root + 'lib/mm/dax-device.ts');
  const { native } = await import(root + 'lib/native.ts');
  const device = DaxDevice.open('${file}');
  const space = new native.PageSpace();
  const region = device.region(0);
  space.setOpener(space.addRegion(region), region.slot);
  space.pinRange(${start}, ${nrPages});
  space.getRange(${start}, 1);
  console.log('pinned');
  await new Promise((resolve) => process.stdin.once('data', resolve));
  space.putRange(${start}, 1);
  space.unpinRange(${start}, ${nrPages});
  device.close();
  console.log('closed');
  process.exit(0);`;

for (const size of [64 * 1024, MiB, 16 * MiB, 33 * MiB]) {
  test(`a device of ${size} bytes keeps its data, counters and meta apart`, (t) => {
    const { file, device } = newDevice(size);
    t.is(device.len, size);
    t.is(device.nrPages, size / PAGE_SIZE);
    t.is(device.dataPos % (size >= 16 * MiB ? 2 * MiB : PAGE_SIZE), 0);
    t.is(device.counters.length, device.nrPages * 2);
    t.is(device.meta.length, device.nrPages * 8);
    device.fill(0, size, 0xee);
    t.true(device.counters.every((count) => count === 0));
    t.true(device.meta.every((value) => value === 0));
    device.meta.fill(0xffffffff);
    spaceOf(device).pinRange(0, device.nrPages);
    t.is(device.view(0, 1)[0], 0xee);
    t.is(device.view(size - 1, 1)[0], 0xee);
    t.is(device.counters[2 * device.nrPages - 1], 1);
    spaceOf(device).unpinRange(0, device.nrPages);
    device.close();
    const again = DaxDevice.open(file, { size });
    t.true(
      again.meta.every((value) => value === 0),
      'the first opener finds it empty',
    );
    t.is(again.view(size / 2, 1)[0], 0xee);
    again.close();
  });
}

test('the counters of a device are read page by page, its data ahead', (t) => {
  const { file, device } = newDevice(GiB);
  const vmas = fs.readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  const parts = vmas.filter((vma) => vma.split('\n')[0]!.endsWith(file));
  const kB = (n: number) => `${n / 1024}`;
  t.deepEqual(
    parts.map((vma) => [/^Size: +(\d+) kB/m.exec(vma)![1], / rr /.test(vma)]),
    [
      [kB(device.dataPos), true],
      [kB(GiB), false],
    ],
  );
  device.close();
});

test('what was written is read back, from the file as well', async (t) => {
  const { file, device } = newDevice();
  const text = Buffer.from('bytes over the end of a page');
  device.write(PAGE_SIZE - 9, text);
  const target = new Uint8Array(text.length);
  device.read(PAGE_SIZE - 9, target);
  t.deepEqual(Buffer.from(target), text);
  device.flush(0, device.len);
  t.true(fs.readFileSync(file).subarray(device.dataPos).includes(text));
  device.punch(0, PAGE_SIZE);
  t.deepEqual(device.view(0, PAGE_SIZE), new Uint8Array(device.view(0, PAGE_SIZE).length));
  await device.fillAsync(5, 10, 6);
  t.deepEqual([...device.view(4, 3)], [0, 6, 6]);
  device.close();
});

test('a punch zeroes just its bytes, and gives whole pages back to the host', (t) => {
  const { file, device } = newDevice();
  const usedNow = () => fs.statSync(file).blocks * 512;
  for (const [pos, len] of [
    [5, 0],
    [5, 10],
    [PAGE_SIZE - 3, 6],
    [100, 3 * PAGE_SIZE],
    [PAGE_SIZE, 5 * PAGE_SIZE],
    [2 * PAGE_SIZE - 1, PAGE_SIZE + 1],
  ] as const) {
    device.fill(0, 8 * PAGE_SIZE, 0xee);
    device.flush(0, device.len);
    const used = usedNow();
    device.punch(pos, len);
    const expected = new Uint8Array(8 * PAGE_SIZE).fill(0xee).fill(0, pos, pos + len);
    t.deepEqual(Buffer.from(device.view(0, expected.length)), Buffer.from(expected));
    const whole = Math.floor((pos + len) / PAGE_SIZE) - Math.ceil(pos / PAGE_SIZE);
    t.is(used - usedNow(), Math.max(0, whole) * PAGE_SIZE, `${len} bytes at ${pos}`);
  }
  device.close();
});

test('a closed device has no descriptor, however long its memory is used', (t) => {
  const { file, device } = newDevice();
  const open = () => fs.readdirSync('/proc/self/fd').flatMap((fd) => targetOf(fd));
  t.is(open().filter((target) => target === file).length, 1);
  const view = device.view(0, PAGE_SIZE);
  view[0] = 7;
  device.close();
  t.false(open().includes(file));
  t.is(view[0], 7, 'views stay readable');
});

test('machines that are booted and given up leave no descriptor behind', async (t) => {
  const { file, device } = newDevice(MiB);
  device.close();
  const opened = (target: string) => target.includes('memfd:leasehold') || target === file;
  const count = () => fs.readdirSync('/proc/self/fd').flatMap(targetOf).filter(opened).length;
  const before = count();
  const options = { ram: MiB, mounts: { '/': { flavor: 'ext4', dax: true } } } as const;
  for (let i = 0; i < 200; i++) {
    const where = i % 4 === 0 ? { device: file } : { inMemory: true, size: MiB };
    const machine = await bootMachine({ ...options, ...where });
    if (i % 2 === 0) machine.abandon();
    else await assertMachineBalanced(t, machine);
  }
  t.is(count(), before);
});

test('two processes see each other bytes, counters, meta and wake-ups', async (t) => {
  const { file, device } = newDevice();
  const space = spaceOf(device);
  const words = new Int32Array(device.buffer, device.dataPos, 4);
  space.pinRange(5, 1);
  device.meta[5 * 8 + 2] = 12;
  const child = new Child(`
    const { DaxDevice } = await import(root + 'lib/mm/dax-device.ts');
    const { native } = await import(root + 'lib/native.ts');
    const device = DaxDevice.open('${file}');
    const words = new Int32Array(device.buffer, device.dataPos, 4);
    console.log(device.counters[11], device.meta[42], device.openers().length);
    if (native.futexWait(words, 0, 0, 120_000) === 'timed-out') process.exit(4);
    device.write(100, Buffer.from('from the child'));
    Atomics.store(words, 1, 7);
    console.log(native.futexWake(words, 1, 10) >= 0);
    process.exit(0);`);
  t.is(await child.line(), '1 12 2');
  const answer = native.futexWaitAsync(words, 1, 0, 120_000);
  Atomics.store(words, 0, 1);
  native.futexWake(words, 0, 1);
  if (answer !== 'not-equal') t.is(await answer.result, 'ok');
  t.is(words[1], 7);
  t.is(Buffer.from(device.view(100, 14)).toString(), 'from the child');
  t.is(await child.ended, 0);
  space.unpinRange(5, 1);
  device.close();
});

test('a worker counts for its opener by the region that it is sent', async (t) => {
  const { device } = newDevice(4 * MiB);
  const body = `
    const { native } = await load('lib/native.ts');
    const space = new native.PageSpace();
    space.setOpener(space.addRegion(data), data.slot);
    for (let i = 0; i < 2000; i++) { space.pinRange(i % 700, 300); space.unpinRange(i % 700, 300); }
    space.pinRange(3, 4);
    return 'pinned';`;
  t.deepEqual(
    await Promise.all([inWorker(body, device.region(0)), inWorker(body, device.region(0))]),
    ['pinned', 'pinned'],
  );
  t.is(device.openers()[0]?.pins, 8);
  t.is(device.counters[2 * 6 + 1], 2);
  spaceOf(device).unpinRange(3, 4);
  spaceOf(device).unpinRange(3, 4);
  t.is(device.openers()[0]?.references, 0);
  device.close();
});

test('mounting is exclusive, in one process and over two, and ends with its holder', async (t) => {
  const { file, device } = newDevice();
  const second = DaxDevice.open(file);
  const mount = device.lockMount();
  const held = { instanceOf: Errno, code: 'EBUSY', message: new RegExp(`pid ${process.pid}`) };
  t.throws(() => device.lockMount(), held);
  t.throws(() => second.lockMount(), held);
  const child = new Child(`
    const { DaxDevice } = await import(root + 'lib/mm/dax-device.ts');
    const device = DaxDevice.open('${file}');
    try { device.lockMount(); } catch (e) { console.log(e.code, e.message); }
    await new Promise((resolve) => process.stdin.once('data', resolve));
    device.lockMount();
    console.log('mounted');
    await new Promise((resolve) => setInterval(resolve, 1 << 30));`);
  t.regex(await child.line(), new RegExp(`^EBUSY .*pid ${process.pid}`));
  mount[Symbol.dispose]();
  mount[Symbol.dispose]();
  child.tell('go');
  t.is(await child.line(), 'mounted');
  t.throws(() => second.lockMount(), { message: new RegExp(`pid ${child.process.pid}`) });
  await child.kill();
  second.lockMount();
  t.throws(() => device.lockMount(), held);
  second.close();
  device.lockMount()[Symbol.dispose]();
  device.close();
});

test('pins of a killed opener are taken back when nobody else lives', async (t) => {
  const { file, device } = newDevice(8 * MiB);
  device.close();
  const child = new Child(pinner(file, 500, 600));
  t.is(await child.line(), 'pinned');
  await child.kill();
  const after = DaxDevice.open(file);
  t.deepEqual(
    after.openers().map(({ pid, alive }) => ({ pid, alive })),
    [{ pid: process.pid, alive: true }],
  );
  t.true(after.counters.every((count) => count === 0));
  t.deepEqual(after.quarantined(), []);
  t.is(spaceOf(after).firstBusy(0, after.nrPages), -1);
  after.close();
});

test('pins of a killed opener are quarantined while another lives, whose pins stay', async (t) => {
  const { file, device } = newDevice(8 * MiB); // 2048 pages, four groups
  const space = spaceOf(device);
  space.pinRange(1030, 2);
  const victim = new Child(pinner(file, 500, 600)); // groups 0, 1 and 2
  t.is(await victim.line(), 'pinned');
  const other = new Child(pinner(file, 10, 1));
  t.is(await other.line(), 'pinned');
  t.deepEqual(device.quarantined(), []);
  await victim.kill();
  t.deepEqual(device.quarantined(), [{ start: 0, nrPages: 1536 }]);
  const dead = device.openers().filter((opener) => !opener.alive);
  t.is(dead.length, 1);
  t.is(dead[0]?.pid, victim.process.pid);
  t.deepEqual([dead[0]?.pins, dead[0]?.references], [600, 601]);

  const third = DaxDevice.open(file); // recovers nothing: two live
  t.deepEqual(third.quarantined(), [{ start: 0, nrPages: 1536 }]);
  t.is(space.pincount(1030), 2);
  t.is(space.pincount(10), 1);
  t.is(third.openers().length, 4);
  third.close();

  other.tell('end');
  t.is(await other.line(), 'closed');
  await other.ended;
  space.unpinRange(1030, 2);
  t.is(space.pincount(1030), 1);
  device.close();
  const last = DaxDevice.open(file);
  t.true(last.counters.every((count) => count === 0));
  t.deepEqual(last.quarantined(), []);
  t.is(last.openers().length, 1);
  last.close();
});

test('an opener that closes with pins left is a dead one, and its slot is not given out', (t) => {
  const { file, device } = newDevice();
  const keeper = DaxDevice.open(file);
  spaceOf(device).pinRange(0, 2);
  const { slot } = device;
  device.close();
  t.deepEqual(keeper.quarantined(), [{ start: 0, nrPages: 256 }]);
  const next = DaxDevice.open(file);
  t.not(next.slot, slot);
  next.close();
  keeper.close();
  const last = DaxDevice.open(file);
  t.is(last.counters[0], 0);
  last.close();
});

test('sixteen may have a device open, the seventeenth is told who they are', (t) => {
  const { file, device } = newDevice();
  const more = Array.from({ length: 15 }, () => DaxDevice.open(file));
  t.is(new Set([device, ...more].map((opener) => opener.slot)).size, 16);
  t.throws(() => DaxDevice.open(file), { code: 'EBUSY', message: new RegExp(`${process.pid}, `) });
  more[3]?.close();
  const next = DaxDevice.open(file);
  t.is(next.slot, more[3] === undefined ? -1 : 4);
  [device, next, ...more].forEach((opener) => opener.close());
});

test('memory is a device too, which others open by its path while it is there', async (t) => {
  using device = DaxDevice.memory(2 * MiB);
  device.write(7, Buffer.from('ram'));
  const child = new Child(`
    const { DaxDevice } = await import(root + 'lib/mm/dax-device.ts');
    const device = DaxDevice.open('${device.path}');
    console.log(Buffer.from(device.view(7, 3)).toString(), device.openers().length);
    device.close();
    process.exit(0);`);
  t.is(await child.line(), 'ram 2');
  t.is(await child.ended, 0);
  t.is(device.openers().length, 1);
});

test('pages that the file lost are named, and the device goes on', (t) => {
  const { file, device } = newDevice();
  device.fill(0, device.len, 1);
  fs.truncateSync(file, device.dataPos + 10 * PAGE_SIZE);
  t.deepEqual(device.poisonedPages(), []);
  t.is(device.view(9 * PAGE_SIZE, 1)[0], 1);
  t.is(device.view(20 * PAGE_SIZE, 1)[0], 0);
  t.deepEqual(device.poisonedPages(), [20]);
  t.throws(() => DaxDevice.open(file), { code: 'EUCLEAN' });
  device.close();
});

const badSizes = [0, -1, -4096, NaN, 2 ** 53, Infinity, 4096, 65537, 1.5, 2 ** 41, '65536'];
for (const size of badSizes) {
  test(`a device of size ${size} (${typeof size}) is refused, and no file is made`, (t) => {
    const file = newPath();
    const bad = { instanceOf: Errno, code: 'EINVAL', message: /size/ };
    t.throws(() => DaxDevice.open(file, { size: size as number, create: true }), bad);
    t.throws(() => DaxDevice.memory(size as number), bad);
    t.false(fs.existsSync(file));
  });
}

// Each row makes a file and says why it is not opened; the file stays as it was.
const badFiles: {
  name: string;
  make: (file: string) => void;
  opts?: { size?: number; create?: boolean };
  code: string;
  says?: RegExp;
}[] = [
  { name: 'a missing file', make: () => {}, code: 'ENOENT' },
  { name: 'a missing file of no size', make: () => {}, opts: { create: true }, code: 'EINVAL' },
  { name: 'a directory', make: (f) => fs.mkdirSync(f), code: 'EISDIR' },
  { name: 'an empty file', make: (f) => fs.writeFileSync(f, ''), code: 'EUCLEAN' },
  { name: 'a short file', make: (f) => fs.writeFileSync(f, 'hello'), code: 'EUCLEAN' },
  {
    name: 'another file, even to create',
    make: (f) => fs.writeFileSync(f, Buffer.alloc(1 << 20, 1)),
    opts: { create: true, size: MiB },
    code: 'EUCLEAN',
    says: /not a leasehold device/,
  },
  {
    name: 'a file of zeroes',
    make: (f) => fs.writeFileSync(f, Buffer.alloc(1 << 20)),
    opts: { create: true, size: MiB },
    code: 'EUCLEAN',
  },
  { name: 'one byte changed', make: (f) => damage(f, 20), code: 'EUCLEAN', says: /checksum/ },
  { name: 'its reserved bytes changed', make: (f) => damage(f, 4000), code: 'EUCLEAN' },
  {
    name: 'a cut device',
    make: (f) => {
      DaxDevice.open(f, { size: MiB, create: true }).close();
      fs.truncateSync(f, 500_000);
    },
    code: 'EUCLEAN',
    says: /500000 bytes/,
  },
  {
    name: 'a stretched device',
    make: (f) => {
      DaxDevice.open(f, { size: MiB, create: true }).close();
      fs.appendFileSync(f, 'more');
    },
    code: 'EUCLEAN',
  },
  {
    name: 'a device of another size',
    make: (f) => DaxDevice.open(f, { size: MiB, create: true }).close(),
    opts: { size: 2 * MiB, create: true },
    code: 'EINVAL',
    says: /size/,
  },
];

function damage(file: string, pos: number): void {
  DaxDevice.open(file, { size: MiB, create: true }).close();
  const fd = fs.openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  fs.readSync(fd, byte, 0, 1, pos);
  fs.writeSync(fd, Buffer.of((byte[0] ?? 0) ^ 1), 0, 1, pos);
  fs.closeSync(fd);
}

for (const { name, make, opts, code, says } of badFiles) {
  test(`${name} is not opened and not touched`, (t) => {
    const file = newPath();
    make(file);
    const bytes = () => (fs.statSync(file).isFile() ? fs.readFileSync(file) : Buffer.alloc(0));
    const before = fs.existsSync(file) ? bytes() : undefined;
    const error = t.throws(() => DaxDevice.open(file, opts), { instanceOf: Errno, code });
    t.true(error?.message.includes(file) || /size|path/.test(error?.message ?? ''));
    if (says !== undefined) t.regex(error?.message ?? '', says);
    t.deepEqual(fs.existsSync(file) ? bytes() : undefined, before);
  });
}

test('a creation that was killed after its first page is finished by the next to create', (t) => {
  const { file, device } = newDevice();
  device.close();
  fs.truncateSync(file, PAGE_SIZE);
  t.throws(() => DaxDevice.open(file), { code: 'EUCLEAN' });
  const again = DaxDevice.open(file, { size: MiB, create: true });
  again.write(0, Uint8Array.of(1));
  again.close();
});

const badCalls: { call: (device: DaxDevice) => unknown; says: RegExp }[] = [
  { call: (d) => d.read(d.len, new Uint8Array(1)), says: /pos/ },
  { call: (d) => d.read(-1, new Uint8Array(1)), says: /pos/ },
  { call: (d) => d.write(d.len - 1, new Uint8Array(2)), says: /pos/ },
  { call: (d) => d.write(0.5, new Uint8Array(2)), says: /pos/ },
  { call: (d) => d.fill(0, d.len + 1, 0), says: /len/ },
  { call: (d) => d.fill(0, 1, 256), says: /byte/ },
  { call: (d) => d.fill(2 ** 53, 1, 0), says: /pos/ },
  { call: (d) => d.view(NaN, 1), says: /pos/ },
  { call: (d) => d.view(0, -1), says: /len/ },
  { call: (d) => d.flush(0, Infinity), says: /len/ },
  { call: (d) => d.punch(d.len, 1), says: /pos/ },
];

for (const { call, says } of badCalls) {
  test(`${String(call)} is EINVAL, and EBADF once closed`, (t) => {
    const { device } = newDevice();
    const error = t.throws(() => call(device), { instanceOf: Errno, code: 'EINVAL' });
    t.regex(error?.message ?? '', says);
    device.close();
    device.close();
    t.true(device.closed);
    t.throws(() => call(device), { instanceOf: Errno, code: 'EBADF' });
    for (const more of [
      () => device.openers(),
      () => device.quarantined(),
      () => device.lockMount(),
      () => device.region(0),
      () => device.poisonedPages(),
    ]) {
      t.throws(more, { instanceOf: Errno, code: 'EBADF' });
    }
  });
}

test('a path that is no path is EINVAL', (t) => {
  for (const bad of ['', 'a\0b', 5, undefined]) {
    t.throws(() => DaxDevice.open(bad as string), { code: 'EINVAL', message: /path/ });
  }
});
