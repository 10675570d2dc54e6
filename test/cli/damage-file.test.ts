// Goal: a device file whose head is damaged, or that was cut off, is refused with an errno or
// mounted with its files as they were. A sample; `npm run torture -- --damage 1` tries every byte.

import test from 'ava';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cutFile, flipHeader } from '../../lib/cli/damage-file.js';

const pathOf = (what: string): string => join(tmpdir(), `leasehold-${what}-${process.pid}.img`);

test('a changed byte before the data is refused or does no harm', async (t) => {
  const path = pathOf('header');
  const { images, refused, failures } = await flipHeader(path, 401);
  t.deepEqual(failures, []);
  t.true(images > 50 && refused > 5 && refused < images, `${refused} of ${images} refused`);
  t.false(existsSync(path));
});

test('a file that was cut off anywhere is refused', async (t) => {
  const { images, refused, failures } = await cutFile(pathOf('cut'));
  t.deepEqual(failures, []);
  t.true(images > 200);
  t.is(refused, images);
});
