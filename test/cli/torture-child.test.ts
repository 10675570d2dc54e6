// Goal: the child says how far it came, and goes on until somebody ends it.

import test from 'ava';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bootFor, Player, setupOf } from '../../lib/cli/torture-player.js';
import { MiB } from '../../lib/units.js';
import { runSources } from '../support/root.js';

test('operations that began are counted before those that returned', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'leasehold-child-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const [image, progress] = [join(folder, 'image'), join(folder, 'progress')];
  writeFileSync(progress, new Uint8Array(8));
  {
    await using machine = await bootFor(image, setupOf(1), 2 * MiB);
    await new Player(machine.spawn('prepare')).prepare();
  }
  const code = fileURLToPath(new URL('../../lib/cli/torture-child.ts', import.meta.url));
  const child = spawn(process.execPath, [...runSources, code, image, progress, '1']);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const words = () => readFileSync(progress);
  while (words().readUInt32LE(4) < 3) await new Promise((resolve) => setImmediate(resolve));
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('exit', resolve));
  const [begun, ended] = [words().readUInt32LE(0), words().readUInt32LE(4)];
  t.true(begun === ended || begun === ended + 1);
});
