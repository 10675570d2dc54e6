// Sets up a clone so that the next command can run: packages by npm ci, then the native addon.
//
// Does nothing when both are there. Plain JavaScript, no dependency: it runs before npm ci has.

import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

function run(command, args) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', process.stderr, process.stderr],
  });
  if (error || status !== 0) {
    const why = error ? error.message : `exit status ${status}`;
    process.stderr.write(`leasehold: ${command} ${args.join(' ')} failed: ${why}\n`);
    process.exit(status || 1);
  }
}

/** Packages are there when npm's own record of them is at least as new as the lock file. */
function packagesAreThere() {
  const record = join(root, 'node_modules/.package-lock.json');
  return (
    existsSync(record) &&
    statSync(record).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs - 60_000
  );
}

export function setup() {
  if (!packagesAreThere()) {
    process.stderr.write('leasehold: installing packages (npm ci), once\n');
    run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  }
  run(process.execPath, [join(root, 'scripts/native.mjs'), '--if-needed']);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) setup();
