// Goal: no bad input opens a device file, and no call on an open one takes any: each is refused by
// an errno that names the argument, and neither the file nor a count in it changes.

import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { isErrno, type ErrnoCode } from '../../lib/errno.js';
import { DaxDevice, type DaxOpenOptions } from '../../lib/mm/dax-device.js';
import { KiB, PAGE_SIZE } from '../../lib/units.js';
import { methodsOf, staticsOf } from '../support/direct-calls.js';

const size = 64 * KiB;

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'leasehold-device-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Where a device file is that is closed again. */
function deviceIn(t: ExecutionContext): string {
  const path = join(folder(t), 'pmem0.img');
  DaxDevice.open(path, { size, create: true }).close();
  return path;
}

function refused(
  t: ExecutionContext,
  what: string,
  fn: () => unknown,
  codes: readonly ErrnoCode[],
  says: RegExp,
): void {
  try {
    fn();
    t.fail(`${what}: no refusal`);
  } catch (e) {
    if (!isErrno(e)) t.fail(`${what}: ${String(e)}`);
    else {
      t.true(codes.includes(e.code), `${what}: ${e.message}`);
      t.regex(e.message, says, what);
    }
  }
}

const badSizes = [
  0,
  -1,
  1,
  4095,
  PAGE_SIZE + 1,
  1.5,
  NaN,
  Infinity,
  2 ** 53,
  '65536',
  null,
  {},
  65536n,
];

test('a size that is none makes no device, and no file', (t) => {
  const path = join(folder(t), 'new.img');
  for (const bad of badSizes) {
    const opts = { size: bad, create: true } as DaxOpenOptions;
    refused(t, `size ${String(bad)}`, () => DaxDevice.open(path, opts), ['EINVAL'], /size/);
    t.throws(() => readFileSync(path), { code: 'ENOENT' });
    refused(t, `memory ${String(bad)}`, () => DaxDevice.memory(bad as number), ['EINVAL'], /size/);
  }
});

test('a path that is none is EINVAL', (t) => {
  for (const bad of ['', 'a\0b', undefined, null, 7, {}, Symbol('path')]) {
    const open = () => DaxDevice.open(bad as string, { size, create: true });
    refused(t, `path ${String(bad)}`, open, ['EINVAL'], /path/);
  }
});

type Damage = (path: string) => void;

const files: readonly (readonly [
  what: string,
  damage: Damage,
  opts: DaxOpenOptions,
  code: ErrnoCode,
])[] = [
  ['a file that is not there', (path) => rmSync(path), {}, 'ENOENT'],
  ['a file to be made without a size', (path) => rmSync(path), { create: true }, 'EINVAL'],
  ['another size than it has', () => {}, { size: 2 * size, create: true }, 'EINVAL'],
  ['an empty file', (path) => truncateSync(path, 0), {}, 'EUCLEAN'],
  ['a file of less than a page', (path) => truncateSync(path, 100), {}, 'EUCLEAN'],
  ['a file that was cut', (path) => truncateSync(path, 2 * PAGE_SIZE), {}, 'EUCLEAN'],
  ['a file that grew', (path) => truncateSync(path, 2 ** 24), {}, 'EUCLEAN'],
  ['somebody else’s file', (path) => writeFileSync(path, 'x'.repeat(2 * PAGE_SIZE)), {}, 'EUCLEAN'],
  [
    'somebody else’s file, to be made',
    (path) => writeFileSync(path, 'x'.repeat(9000)),
    { size, create: true },
    'EUCLEAN',
  ],
];

for (const [what, damage, opts, code] of files) {
  test(`${what} is ${code}, and stays as it is`, (t) => {
    const path = deviceIn(t);
    damage(path);
    const before =
      code === 'ENOENT' || (opts.size === undefined && opts.create) ? null : readFileSync(path);
    refused(t, what, () => DaxDevice.open(path, opts), [code], /\.img/);
    if (before !== null) t.true(before.equals(readFileSync(path)));
  });
}

test('a directory is EISDIR', (t) => {
  const path = folder(t);
  refused(t, 'open', () => DaxDevice.open(path, { size, create: true }), ['EISDIR'], /open/);
  refused(t, 'open', () => DaxDevice.open(path), ['EISDIR'], /open/);
});

test('every byte of the info block is under its checksum', (t) => {
  const path = deviceIn(t);
  const good = readFileSync(path);
  const inUse = Array.from({ length: 112 }, (_, at) => at);
  for (const at of [...inUse, 113, 2048, 4091, 4092, 4095]) {
    const bad = Buffer.from(good);
    bad[at]! ^= 0x10;
    writeFileSync(path, bad);
    refused(t, `byte ${at}`, () => DaxDevice.open(path), ['EUCLEAN'], /pmem0\.img/);
  }
  writeFileSync(path, good);
  t.notThrows(() => DaxDevice.open(path).close());
});

test('the seventeenth opener is EBUSY, and a second mount', (t) => {
  const path = deviceIn(t);
  const open = Array.from({ length: 16 }, () => DaxDevice.open(path));
  refused(t, 'open', () => DaxDevice.open(path), ['EBUSY'], /slots/);
  using lock = open[0]!.lockMount();
  refused(t, 'mount', () => open[1]!.lockMount(), ['EBUSY'], /pmem0\.img/);
  refused(t, 'mount', () => open[0]!.lockMount(), ['EBUSY'], /pmem0\.img/);
  t.truthy(lock);
  t.is(open[0]!.openers().length, 16);
  for (const device of open) device.close();
});

const badNumbers = [-1, 1.5, NaN, Infinity, 2 ** 53, size + 1, '0', null, undefined, {}, 1n];
const bytes = new Uint8Array(8);

const calls = (d: DaxDevice): Record<string, (pos: never, len: never) => unknown> => ({
  fill: (pos, len) => d.fill(pos, len, 0),
  flush: (pos, len) => d.flush(pos, len),
  punch: (pos, len) => d.punch(pos, len),
  view: (pos, len) => d.view(pos, len),
});

test('no call on an open device takes a range outside of it', (t) => {
  using device = DaxDevice.open(deviceIn(t));
  device.fill(0, size, 0x5a);
  let inputs = 0;
  for (const [name, call] of Object.entries(calls(device))) {
    for (const bad of badNumbers) {
      refused(
        t,
        `${name} pos ${String(bad)}`,
        () => call(bad as never, 1 as never),
        ['EINVAL'],
        /pos/,
      );
      refused(
        t,
        `${name} len ${String(bad)}`,
        () => call(0 as never, bad as never),
        ['EINVAL'],
        /len/,
      );
      inputs += 2;
    }
    refused(t, `${name} over the end`, () => call(size as never, 1 as never), ['EINVAL'], /pos/);
  }
  for (const bad of badNumbers) {
    refused(t, `read ${String(bad)}`, () => device.read(bad as number, bytes), ['EINVAL'], /pos/);
    refused(t, `write ${String(bad)}`, () => device.write(bad as number, bytes), ['EINVAL'], /pos/);
    inputs += 2;
  }
  for (const bad of [-1, 256, 1.5, NaN, 'x', null, undefined]) {
    refused(t, `byte ${String(bad)}`, () => device.fill(0, 1, bad as number), ['EINVAL'], /byte/);
    inputs++;
  }
  for (const bad of [undefined, null, 7, 'abc', [1], {}]) {
    const source = bad as unknown as Uint8Array;
    refused(t, `data ${String(bad)}`, () => device.write(0, source), ['EINVAL'], /write/);
    refused(t, `data ${String(bad)}`, () => device.read(0, source), ['EINVAL'], /read/);
    inputs += 2;
  }
  t.true(
    device.view(0, size).every((byte) => byte === 0x5a),
    'no byte was touched',
  );
  t.log(`7 calls, ${inputs} bad inputs`);
});

const goodCalls = (d: DaxDevice): Record<string, () => unknown> => ({
  fill: () => d.fill(0, 1, 0),
  fillAsync: () => d.fillAsync(0, 1, 0),
  flush: () => d.flush(0, 1),
  lockMount: () => d.lockMount(),
  openers: () => d.openers(),
  poisonedPages: () => d.poisonedPages(),
  punch: () => d.punch(0, 4096),
  quarantined: () => d.quarantined(),
  read: () => d.read(0, bytes),
  region: () => d.region(0),
  view: () => d.view(0, 1),
  write: () => d.write(0, bytes),
});

test('every call on a closed device is EBADF, closing it again is harmless', async (t) => {
  const device = DaxDevice.open(deviceIn(t));
  device.close();
  const calls = goodCalls(device);
  t.deepEqual([...Object.keys(calls), 'close'].sort(), methodsOf(DaxDevice.prototype));
  t.deepEqual(staticsOf(DaxDevice), ['memory', 'open']);
  for (const [name, call] of Object.entries(calls)) {
    const refusal = { code: 'EBADF', message: /closed/ };
    await t.throwsAsync(async () => call(), refusal, name);
  }
  t.notThrows(() => device.close());
  t.true(device.closed);
});
