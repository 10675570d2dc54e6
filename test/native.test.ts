// Goal: the addon is found from source, from bundles of both kinds and by many workers, or says
// what to do.
// Method: bundles made by esbuild in a temporary package that has the binary, or has none, or a bad
// one.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import test from 'ava';
import { build } from 'esbuild';

import { Errno } from '../lib/errno.js';
import { asErrno, isSystemError, native } from '../lib/native.js';
import { inWorker, root } from './native/threads.js';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'leasehold-native-'));
test.after.always(() => fs.rmSync(folder, { recursive: true }));

type Place = 'build/Release' | 'prebuilds/linux-x64';

// A package with dist/index.<ext>, bundled from a line that uses the addon, and perhaps a binary.
async function bundle(name: string, format: 'esm' | 'cjs', place?: Place, binary?: string) {
  const dir = path.join(folder, name);
  const outfile = path.join(dir, 'dist/deep', format === 'esm' ? 'index.mjs' : 'index.cjs');
  await build({
    stdin: {
      contents: `import { native } from './lib/native.ts'; console.log(typeof native.PageSpace);`,
      resolveDir: root,
    },
    bundle: true,
    platform: 'node',
    format,
    outfile,
    logLevel: 'silent',
  });
  if (place !== undefined) {
    fs.mkdirSync(path.join(dir, place), { recursive: true });
    const target = path.join(dir, place, 'leasehold.node');
    if (binary === undefined) {
      fs.copyFileSync(path.join(root, 'build/Release/leasehold.node'), target);
    } else fs.writeFileSync(target, binary);
  }
  const child = spawnSync(process.execPath, [outfile], { encoding: 'utf8', cwd: os.tmpdir() });
  return { status: child.status, out: child.stdout.trim(), err: child.stderr };
}

for (const format of ['esm', 'cjs'] as const) {
  for (const place of ['build/Release', 'prebuilds/linux-x64'] as const) {
    test(`a bundle of format ${format} finds the binary in ${place}`, async (t) => {
      const { out, err } = await bundle(`${format}-${path.basename(place)}`, format, place);
      t.is(out, 'function', err);
    });
  }

  test(`a bundle of format ${format} without a binary says what to run`, async (t) => {
    const { status, err } = await bundle(`${format}-none`, format);
    t.is(status, 1);
    t.regex(err, /native addon of leasehold is missing.*build\/Release.*npm run build:native/);
  });
}

test('a binary that does not load is named, with the reason', async (t) => {
  const { status, err } = await bundle('bad', 'esm', 'build/Release', 'not a library');
  t.is(status, 1);
  t.regex(err, /npm run build:native[^]*leasehold\.node: .*(invalid ELF|file too short)/);
});

test('several workers load the addon at once, and go again', async (t) => {
  const body = `
    const { native } = await load('lib/native.ts');
    const file = native.memoryFile('w');
    file.setSize(65536);
    new Uint8Array(file.map().buffer)[data] = data;
    return data;`;
  for (let round = 0; round < 2; round++) {
    const results = await Promise.all([1, 2, 3, 4].map((i) => inWorker(body, i)));
    t.deepEqual(results, [1, 2, 3, 4]);
  }
});

test('a refused system call becomes an Errno; anything else stays what it is', (t) => {
  const open = () => native.openFile('/no/such/file', false);
  const raw = t.throws(open);
  t.true(isSystemError(raw));
  t.false(isSystemError(new Error('plain')));
  const error = t.throws(() => asErrno('open', open), { instanceOf: Errno });
  t.is(error?.code, 'ENOENT');
  t.is(error?.errno, -2);
  t.is(error?.syscall, 'open');
  t.regex(error?.message ?? '', /^ENOENT: open: .*\/no\/such\/file/);
  const range = () => new native.PageSpace().pinRange(-1, 1);
  t.throws(() => asErrno('pin', range), { instanceOf: RangeError });
});

test('memcpy copies, also within one array, and refuses what is outside', (t) => {
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
  native.memcpy(bytes, 10, bytes, 0, 50);
  t.deepEqual([...bytes.subarray(10, 13)], [0, 1, 2]);
  t.is(bytes[59], 49);
  t.throws(() => native.memcpy(bytes, 51, bytes, 0, 50), { message: /^targetPos: / });
  t.throws(() => native.memcpy(bytes, 0, bytes, 51, 50), { message: /^sourcePos: / });
  t.throws(() => native.memcpy(bytes, 0, bytes, 0, -1), { message: /^len / });
});
