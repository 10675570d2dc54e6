// Goal: fsck of an image finds damage, leaves it, and repairs it when told to.

import test from 'ava';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkImage } from '../../lib/cli/fsck-command.js';
import { DaxDevice } from '../../lib/mm/dax-device.js';
import { bootMachine } from '../../lib/machine.js';
import { MiB } from '../../lib/units.js';
import { assertMachineBalanced } from '../support/balance.js';

test('a damaged superblock copy is found, and gone after a repair', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'leasehold-fsck-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'i.img');
  await assertMachineBalanced(t, await bootMachine({ device: path, size: MiB, ram: MiB }));
  {
    using device = DaxDevice.open(path);
    device.write(8, Uint8Array.of(1));
  }
  t.false((await checkImage(path, false)).sound);
  t.false((await checkImage(path, false)).sound);
  t.true((await checkImage(path, true)).repaired);
  t.deepEqual((await checkImage(path, false)).findings, []);
});
