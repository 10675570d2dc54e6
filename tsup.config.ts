// The built package: dist/esm and dist/cjs, an entry for each door, and dist/types for both.
//
// Each format shares chunks between its doors, so that a driver and the machine that it runs on
// have the same Errno. Types are tsc's, file by file: a driver adds its node to an interface by the
// path of the file that declares it, which one bundled file would lose.

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { defineConfig, type Options } from 'tsup';
import { openFields } from './scripts/open-fields.mjs';

const drivers = readdirSync('drivers').filter((name) => existsSync(`drivers/${name}/index.ts`));

const doors = {
  index: 'lib/index.ts',
  ava: 'lib/ava.ts',
  driver: 'lib/driver/index.ts',
  ...Object.fromEntries(drivers.map((name) => [`drivers/${name}`, `drivers/${name}/index.ts`])),
};

/** Programs of their own: what the threads and processes of a stress test are started with. */
const programs = { 'stress-thread': 'lib/explore/stress-thread.ts' };

type Plugin = NonNullable<Options['esbuildPlugins']>[number];

/** The built package explores as fast as the sources do. */
const openPrivateFields: Plugin = {
  name: 'open private fields',
  setup(build) {
    build.onLoad({ filter: /\/(lib|drivers)\/.*\.ts$/ }, async ({ path }) => ({
      contents: openFields(await readFile(path, 'utf8'), path),
      loader: 'ts',
    }));
  },
};

const common: Options = {
  splitting: true,
  clean: true,
  target: 'node20',
  esbuildPlugins: [openPrivateFields],
};

/** What a door's types are called by importers of either kind. */
function emitTypes(): void {
  rmSync('dist/types', { recursive: true, force: true });
  rmSync('dist/types-cjs', { recursive: true, force: true });
  const files = Object.values(doors);
  const config = 'dist/tsconfig.types.json';
  const extended = { extends: '../tsconfig.types.json', files: files.map((f) => `../${f}`) };
  writeFileSync(config, JSON.stringify(extended));
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const { status } = spawnSync(process.execPath, [tsc, '-p', config], { stdio: 'inherit' });
  rmSync(config);
  if (status !== 0) throw new Error('the types could not be made');
  cpSync('dist/types', 'dist/types-cjs', { recursive: true });
  writeFileSync('dist/types-cjs/package.json', '{ "type": "commonjs" }\n');
}

export default defineConfig([
  {
    ...common,
    entry: { ...doors, ...programs, cli: 'lib/cli/main.ts' },
    format: 'esm',
    outDir: 'dist/esm',
    onSuccess: async () => emitTypes(),
  },
  {
    ...common,
    entry: { ...doors, ...programs },
    format: 'cjs',
    outDir: 'dist/cjs',
    // lib/native.ts then goes by __dirname.
    define: { 'import.meta.url': 'undefined' },
  },
]);
