// Goal: an image is used by one at a time, and closed cleanly.

import test from 'ava';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkImage } from '../../lib/cli/fsck-command.js';
import { parseSize, withDevice, withImage } from '../../lib/cli/image.js';
import { isErrno } from '../../lib/errno.js';
import { KiB, MiB } from '../../lib/units.js';
import { balancedMachine } from '../support/machine.js';

test('sizes are numbers with or without a unit', (t) => {
  t.is(parseSize('4096'), 4096);
  t.is(parseSize('64K'), 64 * KiB);
  t.is(parseSize('3MiB'), 3 * MiB);
  for (const text of ['', 'K', '1.5M', '-1', '1X']) t.is(parseSize(text), undefined);
});

test('what is mounted is refused with the pid of its holder', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'leasehold-image-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const device = join(folder, 'i.img');
  {
    await using _machine = await balancedMachine(t, { device, size: MiB, ram: MiB });
    for (const call of [checkImage(device, true), withImage(device, async () => {})]) {
      const e = await t.throwsAsync(call);
      t.true(isErrno(e, 'EBUSY'));
      t.regex(e!.message, new RegExp(`pid ${process.pid}`));
    }
  }
  await withImage(device, async (root) => t.is((await root.stat('/')).nlink, 2));
  t.true(await withDevice(device, (d) => d.len === MiB));
  t.true((await checkImage(device, false)).sound);
});
