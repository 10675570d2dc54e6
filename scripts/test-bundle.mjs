// One file of all of lib and drivers, for the processes of the test runner: hundreds of them start,
// and each would load hundreds of modules (0.5 s; from the bundle and its code cache 0.05 s).
//
//   sources -> <cache>/bundle-<hash>.cjs, .map, .data     made when a source is new, by `ava`
//   test process -> register-tests.cjs -> the bundle      a module of it is evaluated when required
//
// The hash stands for the path, time and size of every source, so that two runs with different
// sources do not meet. What a run has begun with it ends with.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { openFields } from './open-fields.mjs';

const require = createRequire(import.meta.url);
const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..');
const cache = join(root, 'node_modules/.cache/leasehold');
const makers = ['test-bundle.mjs', 'open-fields.mjs', 'register-tests.cjs'];

/** Paths of the sources, below root. */
function sources() {
  const found = [];
  for (const folder of ['lib', 'drivers']) {
    for (const name of fs.readdirSync(join(root, folder), { recursive: true })) {
      if (name.endsWith('.ts') && !name.endsWith('.d.ts')) found.push(`${folder}/${name}`);
    }
  }
  return found.sort();
}

function stamp(path) {
  const { mtimeMs, size } = fs.statSync(path);
  return `${path} ${mtimeMs} ${size}`;
}

/** As its text stands, but that it may not know of being in a bundle. */
function textOf(path) {
  return openFields(fs.readFileSync(path, 'utf8'), path)
    .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
    .replace(/\bawait import\(/g, 'await globalThis[Symbol.for("leasehold.import")](');
}

async function bundle(files, file) {
  const { build, stop } = require('esbuild');
  const modules = files.map((path) => `${JSON.stringify(path)}: () => require('./${path}'),`);
  const { outputFiles } = await build({
    stdin: { contents: `module.exports = {\n${modules.join('\n')}\n};`, resolveDir: root },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    packages: 'external',
    write: false,
    sourcemap: 'external',
    sourcesContent: false,
    outfile: file,
    logLevel: 'warning',
    plugins: [
      {
        name: 'sources',
        setup(to) {
          to.onLoad({ filter: /\.ts$/ }, ({ path }) => ({ contents: textOf(path), loader: 'ts' }));
        },
      },
    ],
  });
  await stop();
  return outputFiles;
}

/** Whole or not at all, whoever else writes it. */
function keep(path, contents) {
  const own = `${path}.${process.pid}`;
  fs.writeFileSync(own, contents);
  fs.renameSync(own, path);
}

/**
 * Bundles of sources that are no more; those of the last hour may be in use. Another run may sweep
 * or rename at the same time.
 */
function sweep() {
  const old = Date.now() - 3600e3;
  for (const name of fs.readdirSync(cache)) {
    if (!name.startsWith('bundle-')) continue;
    const path = join(cache, name);
    const made = fs.statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (made !== undefined && made < old) fs.rmSync(path, { force: true });
  }
}

/** The bundle of the sources as they are now, made if there is none. */
export async function testBundle() {
  const files = sources();
  const { version } = require('esbuild/package.json');
  const hash = createHash('sha1').update(`${version} ${process.version}`);
  for (const path of files) hash.update(stamp(join(root, path)));
  for (const path of makers) hash.update(stamp(join(here, path)));
  const file = join(cache, `bundle-${hash.digest('hex')}.cjs`);
  if (fs.existsSync(file)) return file;
  fs.mkdirSync(cache, { recursive: true });
  sweep();
  const made = await bundle(files, file);
  for (const { path, contents } of made.filter((m) => m.path !== file)) keep(path, contents);
  keep(file, made.find((m) => m.path === file).contents); // last: whoever finds it has the map
  // The code cache comes of having run: in a process of its own, and without it tests run as well.
  spawnSync(process.execPath, [join(here, 'register-tests.cjs'), 'warm', file], {
    stdio: 'inherit',
  });
  return file;
}
