// Module hooks: the sources run as they are. TypeScript is stripped by esbuild, `./x.js` means
// `./x.ts` where only that is there, and private fields are opened (open-fields.mjs).
//
// What esbuild made is kept in node_modules/.cache, by the path, time and size of its source: a
// test runner starts hundreds of processes, and each loads hundreds of modules. esbuild's keepNames
// is off: it defines a property of every closure that is made.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openFields } from './open-fields.mjs';

const require = createRequire(import.meta.url);
/** Loaded when something is to be compiled, which mostly was before. */
const { version } = require('esbuild/package.json');

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const cache = join(root, 'node_modules/.cache/leasehold');

function keep(file, code) {
  const own = `${file}.${process.pid}`;
  try {
    mkdirSync(cache, { recursive: true });
    writeFileSync(own, code);
    renameSync(own, file); // whole or not at all, whoever else writes it
  } catch (e) {
    if (e.code !== 'EACCES' && e.code !== 'EROFS') throw e; // not ours to write to: do without
  }
}

/** Which source this is; it is not read to find out. */
function stamp(path) {
  const { mtimeMs, size } = statSync(path);
  return `${path} ${mtimeMs} ${size}`;
}

const here = dirname(fileURLToPath(import.meta.url));
const makers = [
  version,
  stamp(join(here, 'typescript-hooks.mjs')),
  stamp(join(here, 'open-fields.mjs')),
].join(' ');

function compiled(path) {
  const hash = createHash('sha1')
    .update(`${makers} ${stamp(path)}`)
    .digest('hex');
  const file = join(cache, `${hash}.mjs`);
  if (existsSync(file)) return readFileSync(file, 'utf8');
  const text = readFileSync(path, 'utf8');
  const source = /\/(lib|drivers)\//.test(path) ? openFields(text, path) : text;
  const { code } = require('esbuild').transformSync(source, {
    loader: 'ts',
    format: 'esm',
    target: 'node20',
    sourcefile: path,
    sourcemap: 'inline',
    sourcesContent: false,
  });
  keep(file, code);
  return code;
}

export async function resolve(specifier, context, nextResolve) {
  const { parentURL } = context;
  if (/^\.{1,2}\/.*\.js$/.test(specifier) && parentURL?.endsWith('.ts')) {
    const url = new URL(`${specifier.slice(0, -3)}.ts`, parentURL);
    if (existsSync(url)) return { url: url.href, format: 'module', shortCircuit: true };
  }
  return nextResolve(specifier, context);
}

export async function load(url, context, nextLoad) {
  if (!url.startsWith('file:') || !/\.m?ts$/.test(url)) return nextLoad(url, context);
  return { format: 'module', source: compiled(fileURLToPath(url)), shortCircuit: true };
}
