// Goal: a file is mapped once per process, lives as long as its last user, and its loss is
// survived.
// Method: temporary files; the file read by other means is the witness of what was stored.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import test from 'ava';

import { type DaxMapping, native, type SystemError } from '../../lib/native.js';
import { Child, inWorker } from './threads.js';

// What this test uses of WebAssembly, whose types come with the DOM's.
const wasmApi = (globalThis as unknown as Record<string, unknown>)['WebAssembly'] as {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { exports: { f(): number } };
  RuntimeError: new () => Error;
};

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'leasehold-mapping-'));
test.after.always(() => fs.rmSync(folder, { recursive: true }));

let nextFile = 0;
function newFile(len: number) {
  const name = path.join(folder, `file${nextFile++}`);
  const file = native.openFile(name, true);
  file.setSize(len);
  return { name, file };
}

test('a mapping and its file are the same bytes, and a second mapping is the first', (t) => {
  const { name, file } = newFile(65536);
  const mapping = file.map();
  t.true(file.created);
  t.is(mapping.len, 65536);
  t.is(mapping.buffer.byteLength, 65536);
  t.true(mapping.buffer instanceof SharedArrayBuffer);
  mapping.write(4090, Buffer.from('over two pages'));
  mapping.flush(4090, 14);
  t.is(fs.readFileSync(name).toString('latin1', 4090, 4104), 'over two pages');
  fs.writeFileSync(name, 'from outside', { flag: 'r+' });
  t.is(Buffer.from(mapping.buffer, 0, 12).toString(), 'from outside');
  const again = native.openFile(name, false);
  t.false(again.created);
  const second = again.map();
  t.is(second.buffer, mapping.buffer);
  mapping.close();
  mapping.close();
  file.close();
  t.is(second.compare(0, Buffer.from('from outsidE')), 11);
  t.is(second.compare(0, Buffer.from('from outside')), -1);
});

test('bytes are filled, punched and copied, on this thread and off it', async (t) => {
  const { name, file } = newFile(1 << 20);
  const mapping = file.map();
  mapping.fill(100, 50_000, 7);
  await mapping.fillAsync(200, 10, 9);
  const target = new Uint8Array(200);
  await mapping.readAsync(50, target);
  t.deepEqual(target.subarray(0, 50), new Uint8Array(50));
  t.deepEqual(target.subarray(150, 160), new Uint8Array(10).fill(9));
  await mapping.writeAsync(0, Uint8Array.of(1, 2, 3));
  await mapping.flushAsync(0, mapping.len);
  mapping.copyTo(0, mapping, 1, 3); // overlaps
  t.deepEqual([...new Uint8Array(mapping.buffer, 0, 5)], [1, 1, 2, 3, 0]);
  mapping.punch(4096, 8192);
  t.deepEqual(fs.readFileSync(name).subarray(4096, 12288), Buffer.alloc(8192));
  t.is(fs.readFileSync(name)[12288], 7);
  const other = newFile(4096).file.map();
  mapping.copyTo(200, other, 0, 10);
  t.is(other.compare(0, new Uint8Array(10).fill(9)), -1);
});

test('of a range that is touched at random Linux reads the pages touched and none ahead', (t) => {
  const { name, file } = newFile(1 << 20);
  const mapping = file.map();
  mapping.adviseRandom(4096, 8192);
  const smaps = fs.readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  const parts = smaps.filter((vma) => vma.split('\n')[0]!.endsWith(name));
  // VmFlags: rr is VM_RAND_READ (Documentation/filesystems/proc.rst).
  t.deepEqual(
    parts.map((vma) => [/^Size: +(\d+) kB/m.exec(vma)![1], / rr /.test(vma)]),
    [
      ['4', false],
      ['8', true],
      ['1012', false],
    ],
  );
});

test('copies and fills above 16 MiB, which stream, leave no byte out', (t) => {
  const len = (16 << 20) + 4096 + 77;
  const file = native.memoryFile('bulk');
  file.setSize(48 << 20);
  file.seal();
  const mapping = file.map();
  const source = new Uint32Array(Math.ceil(len / 4)).map((_, i) => i * 2654435761);
  const bytes = new Uint8Array(source.buffer, 0, len);
  for (const pos of [0, 1, 4097]) {
    mapping.write(pos, bytes);
    t.is(mapping.compare(pos, bytes), -1);
    const target = new Uint8Array(len);
    mapping.read(pos, target);
    t.is(Buffer.compare(target, bytes), 0);
    mapping.fill(pos + 3, len - 5, 0x5a);
    t.is(mapping.compare(pos + 3, new Uint8Array(len - 5).fill(0x5a)), -1);
    t.is(mapping.compare(pos, bytes.subarray(0, 3)), -1);
    t.is(mapping.compare(pos + len - 2, bytes.subarray(len - 2)), -1);
  }
  const error = t.throws(() => file.setSize(4096)) as SystemError; // sealed
  t.is(error.code, 'EPERM');
});

test('a worker shares the memory by buffer and by path, and may go while others use it', async (t) => {
  const { name, file } = newFile(65536);
  const mapping = file.map();
  const words = new Int32Array(mapping.buffer, 0, 16);
  const body = `
    const { native } = await load('lib/native.ts');
    const posted = new Int32Array(data.buffer, 0, 16);
    const own = new Int32Array(native.openFile(data.name, false).map().buffer, 0, 16);
    for (let i = 0; i < 10000; i++) {
      Atomics.add(posted, 0, 1);
      Atomics.add(own, 0, 1);
    }
    return Atomics.load(own, 0) >= 20000;`;
  const data = { buffer: mapping.buffer, name };
  t.deepEqual(await Promise.all([inWorker(body, data), inWorker(body, data)]), [true, true]);
  t.is(Atomics.load(words, 0), 40_000);
});

test('a buffer outlives the worker that made it', async (t) => {
  const { name } = newFile(65536);
  const body = `
    const { native } = await load('lib/native.ts');
    const mapping = native.openFile(data, false).map();
    new Uint8Array(mapping.buffer)[9] = 42;
    return mapping.buffer;`;
  const buffer = (await inWorker(body, name)) as SharedArrayBuffer;
  t.is(new Uint8Array(buffer)[9], 42);
  fs.writeSync(fs.openSync(name, 'r+'), Uint8Array.of(43), 0, 1, 9);
  t.is(new Uint8Array(buffer)[9], 43);
});

test('pages that a file lost read as zeroes and are named; all else goes on', (t) => {
  const { name, file } = newFile(16 * 4096);
  const mapping = file.map();
  mapping.fill(0, mapping.len, 1);
  fs.truncateSync(name, 3 * 4096);
  const bytes = new Uint8Array(mapping.buffer);
  t.is(mapping.poisonedCount, 0);
  t.is(bytes[3 * 4096 - 1], 1);
  t.is(bytes[3 * 4096], 0);
  bytes[9 * 4096 + 5] = 77;
  t.is(bytes[9 * 4096 + 5], 77);
  t.is(mapping.poisonedCount, 2);
  t.deepEqual(mapping.poisonedPages(), [3, 9]);
  t.throws(() => native.openFile(name, false).map(), { message: /ESTALE/ });
  // WebAssembly traps are signals too, and still reach V8: a load at 70000 of one page.
  const wasm = Uint8Array.from([
    ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 5, 3, 1, 0, 1],
    ...[7, 5, 1, 1, 102, 0, 0, 10, 11, 1, 9, 0, 65, 240, 162, 4, 40, 2, 0, 11],
  ]);
  const { f } = new wasmApi.Instance(new wasmApi.Module(wasm)).exports;
  t.throws(() => f(), { instanceOf: wasmApi.RuntimeError });
});

test('a lost page hit by a worker and by work on the pool is survived as well', async (t) => {
  const { name, file } = newFile(16 * 4096);
  const mapping = file.map();
  fs.truncateSync(name, 4096);
  await mapping.fillAsync(8 * 4096, 8 * 4096, 3);
  const seen = await inWorker(
    'const b = new Uint8Array(data); return [b[5 * 4096], b[8 * 4096]];',
    mapping.buffer,
  );
  t.deepEqual(seen, [0, 3]);
  t.deepEqual(mapping.poisonedPages(), [5, 8, 9, 10, 11, 12, 13, 14, 15]);
});

test('a foreign SIGBUS still ends the process', async (t) => {
  const child = new Child(`
    const { native } = await import(root + 'lib/native.ts');
    const file = native.memoryFile('x'); file.setSize(4096); file.map();
    process.kill(process.pid, 'SIGBUS');
    await new Promise((resolve) => setInterval(resolve, 1 << 30));`);
  t.is(await child.ended, 'SIGBUS');
});

test('buffers that nobody holds are unmapped', async (t) => {
  const child = new Child(`
    const { native } = await import(root + 'lib/native.ts');
    const fs = await import('node:fs');
    const v8 = await import('node:v8');
    const vm = await import('node:vm');
    v8.setFlagsFromString('--expose-gc');
    const gc = vm.runInNewContext('gc');
    const maps = () => fs.readFileSync('/proc/self/maps', 'latin1');
    const mapped = () => maps().split('memfd:gone').length - 1;
    let held = Array.from({ length: 20 }, () => {
      const file = native.memoryFile('gone'); file.setSize(1 << 20);
      const mapping = file.map(); const { buffer } = mapping; mapping.close(); file.close();
      return buffer;
    });
    gc();
    console.log(mapped(), held.length);
    held = null;
    for (let i = 0; i < 100 && mapped() > 0; i++) {
      gc();
      await new Promise((resolve) => setImmediate(resolve));
    }
    console.log(mapped());`);
  t.is(await child.line(), '20 20');
  t.is(await child.line(), '0');
  t.is(await child.ended, 0);
});

test('locks exclude other descriptions of this process and end with their file', (t) => {
  const { name, file } = newFile(4096);
  const other = native.openFile(name, false);
  t.true(file.lock(10, 1, 0));
  t.true(file.lock(10, 1, 0));
  t.false(other.lock(10, 1, 0));
  t.false(other.lock(10, 1, 3));
  t.true(other.lockedByOther(0, 4096));
  t.false(other.lockedByOther(11, 100));
  t.false(file.lockedByOther(10, 1));
  const mapping = file.map(); // has a description of its own, which holds no lock
  file.close();
  t.true(other.lock(10, 1, 0));
  other.unlock(10, 1);
  mapping.close();
});

const closed = (): { mapping: DaxMapping } => {
  const { file } = newFile(4096);
  const mapping = file.map();
  mapping.close();
  return { mapping };
};

const badCalls: { call: (mapping: DaxMapping) => unknown; says: RegExp }[] = [
  { call: (m) => m.fill(4096, 1, 0), says: /^pos: / },
  { call: (m) => m.fill(0, 4097, 0), says: /^pos: / },
  { call: (m) => m.fill(NaN, 1, 0), says: /^pos / },
  { call: (m) => m.fill(0, 1, -1), says: /^byte / },
  { call: (m) => m.fillAsync(2 ** 52, 2 ** 52, 0), says: /^pos: / },
  { call: (m) => m.flush(4000, 97), says: /^pos: / },
  { call: (m) => m.adviseRandom(4000, 97), says: /^pos: / },
  { call: (m) => m.punch(0, 2 ** 53), says: /^len / },
  { call: (m) => m.read(4090, new Uint8Array(7)), says: /^pos: / },
  { call: (m) => m.read(0, 'x' as never), says: /^target / },
  { call: (m) => m.writeAsync(4090, new Uint8Array(7)), says: /^pos: / },
  { call: (m) => m.copyTo(0, m, 4090, 7), says: /^targetPos: / },
  { call: (m) => m.copyTo(0, {} as never, 0, 7), says: /^target / },
  { call: (m) => m.compare(-1, new Uint8Array(7)), says: /^pos / },
  { call: () => closed().mapping.fill(0, 1, 1), says: /^EBADF/ },
  { call: () => closed().mapping.buffer, says: /^EBADF/ },
  { call: () => closed().mapping.len, says: /^EBADF/ },
  { call: (m) => new (m.constructor as never as new () => unknown)(), says: /use DaxFile.map/ },
  { call: () => native.openFile('/no/such/place', true), says: /^ENOENT/ },
  { call: () => native.openFile('/tmp', false), says: /^EISDIR/ },
  { call: () => native.openFile('/dev/null', false), says: /^EINVAL/ },
  { call: () => native.openFile('a\0b', false), says: /^path / },
  { call: () => newFile(0).file.map(), says: /^EINVAL/ },
  { call: () => newFile(100).file.map(), says: /^EINVAL/ },
  { call: () => newFile(4096).file.setSize(-1), says: /^len / },
  { call: () => newFile(4096).file.read(1, new Uint8Array(4096)), says: /^EIO/ },
  { call: () => newFile(4096).file.lock(0, 1, NaN), says: /^timeoutMs / },
];

for (const { call, says } of badCalls) {
  test(`${String(call).replace(/\s+/g, ' ')} is refused`, (t) => {
    const { file } = newFile(4096);
    const mapping = file.map();
    const error = t.throws(() => call(mapping));
    t.regex(error?.message ?? '', says);
    t.is(mapping.compare(0, new Uint8Array(4096)), -1);
    file.close();
    t.throws(() => file.size, { message: /^EBADF/ });
  });
}
