// leasehold ls, cat, cp, rm, truncate, df: files of an image that nobody has mounted. A path inside
// an image is written image:/path.

import type { Command } from 'commander';
import { mkdirSync, readFileSync, statSync, writeSync, openSync, closeSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Errno, isErrno } from '../errno.js';
import type { Process } from '../machine.js';
import { isDirectory } from '../process/file.js';
import { MiB, PAGE_SIZE } from '../units.js';
import { parseSize, say, withImage } from './image.js';

export interface Place {
  readonly image: string;
  readonly path: string;
}

/** image:/path, or undefined for a path of this computer. */
export function placeOf(text: string): Place | undefined {
  const at = text.indexOf(':/');
  return at <= 0 ? undefined : { image: text.slice(0, at), path: text.slice(at + 1) };
}

function inImage(text: string, what: string): Place {
  const place = placeOf(text) ?? (what === 'ls' ? { image: text, path: '/' } : undefined);
  if (place === undefined) throw new Errno('EINVAL', `${what}: ${text} is not image:/path`);
  return place;
}

const CHUNK = MiB;
const kinds: Record<number, string> = { 0o04: 'd', 0o10: '-', 0o12: 'l' };

function modeText(mode: number): string {
  const letters = 'rwxrwxrwx';
  const bits = [...letters].map((c, i) => ((mode >>> (8 - i)) & 1 ? c : '-')).join('');
  return `${kinds[mode >>> 12] ?? '?'}${bits}`;
}

async function list(root: Process, path: string, name: string): Promise<void> {
  const s = await root.lstat(path);
  const target = s.mode >>> 12 === 0o12 ? ` -> ${await root.readlink(path)}` : '';
  const owner = `${s.uid}:${s.gid}`.padEnd(9);
  say(
    `${modeText(s.mode)} ${String(s.nlink).padStart(3)} ${owner} ` +
      `${String(s.size).padStart(12)} ${name}${target}`,
  );
}

async function ls(text: string): Promise<void> {
  const { image, path } = inImage(text, 'ls');
  await withImage(image, async (root) => {
    if (!isDirectory(await root.lstat(path))) return list(root, path, path);
    const names = (await root.readdir(path)).map((e) => e.name).sort();
    for (const name of names) await list(root, join(path, name), name);
  });
}

async function readAll(root: Process, path: string, put: (b: Uint8Array) => void): Promise<number> {
  const fd = await root.open(path, ['rdonly']);
  let pos = 0;
  for (;;) {
    const bytes = await root.read(fd, pos, CHUNK);
    if (bytes.length === 0) break;
    put(bytes);
    pos += bytes.length;
  }
  await root.close(fd);
  return pos;
}

async function cat(text: string): Promise<void> {
  const { image, path } = inImage(text, 'cat');
  await withImage(image, async (root) => {
    await readAll(root, path, (bytes) => void process.stdout.write(bytes));
  });
}

async function copyIn(from: string, to: Place): Promise<void> {
  if (statSync(from).isDirectory()) throw new Errno('EISDIR', `cp: ${from}`);
  const bytes = readFileSync(from);
  await withImage(to.image, async (root) => {
    const isDir = await root.stat(to.path).then(isDirectory, (e: unknown) => {
      if (isErrno(e, 'ENOENT')) return false;
      throw e;
    });
    const path = isDir ? join(to.path, basename(from)) : to.path;
    const fd = await root.open(path, ['wronly', 'creat', 'trunc'], 0o644);
    for (let pos = 0; pos < bytes.length;) {
      const wrote = await root.write(fd, pos, bytes.subarray(pos, pos + CHUNK));
      if (wrote === 0) throw new Errno('ENOSPC', `cp: ${path}`);
      pos += wrote;
    }
    await root.fsync(fd);
    await root.close(fd);
    say(`${from} -> ${to.image}:${path}, ${bytes.length} bytes`);
  });
}

async function copyOut(from: Place, to: string): Promise<void> {
  await withImage(from.image, async (root) => {
    const isDir = statSync(to, { throwIfNoEntry: false })?.isDirectory() ?? false;
    if (to.endsWith('/')) mkdirSync(to, { recursive: true });
    const path = isDir || to.endsWith('/') ? join(to, basename(from.path)) : to;
    const out = openSync(path, 'w');
    try {
      const len = await readAll(root, from.path, (b) => {
        for (let done = 0; done < b.length;) done += writeSync(out, b, done);
      });
      say(`${from.image}:${from.path} -> ${path}, ${len} bytes`);
    } finally {
      closeSync(out);
    }
  });
}

async function cp(from: string, to: string): Promise<void> {
  const source = placeOf(from);
  const target = placeOf(to);
  if (source === undefined && target !== undefined) await copyIn(from, target);
  else if (source !== undefined && target === undefined) await copyOut(source, to);
  else throw new Errno('EINVAL', 'cp: one of the two is image:/path, the other is not');
}

async function rm(text: string): Promise<void> {
  const { image, path } = inImage(text, 'rm');
  await withImage(image, async (root) => {
    const stat = await root.lstat(path);
    if (isDirectory(stat)) await root.rmdir(path);
    else await root.unlink(path);
    say(`${image}:${path} removed, ${stat.size} bytes`);
  });
}

async function truncate(text: string, length: string): Promise<void> {
  const { image, path } = inImage(text, 'truncate');
  const len = parseSize(length);
  if (len === undefined) throw new Errno('EINVAL', `truncate: length ${length}`);
  await withImage(image, async (root) => {
    const { size } = await root.stat(path);
    await root.truncate(path, len);
    say(`${image}:${path}: ${size} -> ${len} bytes`);
  });
}

async function df(image: string, { json = false }: { readonly json?: boolean }): Promise<void> {
  await withImage(image, async (root) => {
    const s = await root.statfs('/');
    if (json) return say(JSON.stringify({ image, ...s }, null, 2));
    const inKiB = (blocks: number): number => (blocks * PAGE_SIZE) / 1024;
    say(
      `${image}: ${inKiB(s.blocks)} KiB, ${inKiB(s.blocks - s.free)} used, ${inKiB(s.free)} free`,
    );
    say(`${image}: ${s.inodes} inodes, ${s.inodes - s.freeInodes} used, ${s.freeInodes} free`);
  });
}

export function addFiles(program: Command): void {
  const place = 'image:/path';
  program
    .command('ls')
    .description('list a directory of an image')
    .argument('<place>', `an image, or ${place}`)
    .action(ls);
  program
    .command('cat')
    .description('print a file of an image')
    .argument('<place>', place)
    .action(cat);
  program
    .command('cp')
    .description(`copy a file into an image or out of it`)
    .argument('<from>', `a file, or ${place}`)
    .argument('<to>', `a file, or ${place}`)
    .action(cp);
  program
    .command('rm')
    .description('remove a file or an empty directory of an image')
    .argument('<place>', place)
    .action(rm);
  program
    .command('truncate')
    .description('set the length of a file of an image')
    .argument('<place>', place)
    .argument('<length>', 'bytes, or with K, M, G, T')
    .action(truncate);
  program
    .command('df')
    .description('what of an image is free')
    .argument('<image>', 'a device file')
    .option('--json', 'print one object')
    .action(df);
}
