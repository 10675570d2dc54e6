#!/usr/bin/env node
// The leasehold command: the built one if this is an installed package, else the sources.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setup } from './setup.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const source = join(root, 'lib/cli/main.ts');

if (existsSync(source)) {
  setup();
  const { status, signal } = spawnSync(
    process.execPath,
    ['--import', join(root, 'scripts/register.mjs'), source, ...process.argv.slice(2)],
    { stdio: 'inherit' },
  );
  process.exit(signal ? 1 : (status ?? 1));
} else {
  const { main } = await import('../dist/esm/cli.js');
  process.exitCode = await main(process.argv);
}
