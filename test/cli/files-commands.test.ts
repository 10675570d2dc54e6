// Goal: mkfs, cp, ls, cat, truncate, rm, df and fsck look after an image from the command line.

import test from 'ava';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { placeOf } from '../../lib/cli/files-commands.js';
import { commandLine } from '../support/command-line.js';

/** Its status and what it printed. */
async function run(...args: string[]): Promise<{ status: number; text: string }> {
  const { status, out, err } = await commandLine(...args);
  return { status, text: out + err };
}

test('a place inside an image has a path', (t) => {
  t.deepEqual(placeOf('a.img:/x/y'), { image: 'a.img', path: '/x/y' });
  t.is(placeOf('a.img'), undefined);
  t.is(placeOf(':/x'), undefined);
});

test.serial('a file goes into an image, is cut, comes out, and is removed', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'leasehold-files-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const image = join(folder, 'i.img');
  const file = join(folder, 'f');
  writeFileSync(file, 'hello, world\n');
  t.regex((await run('mkfs', image)).text, /needs a --size/);
  t.regex((await run('mkfs', image, '--size', '1M', '--flavor', 'xfs')).text, /xfs, 256 blocks/);
  t.is((await run('mkfs', image)).status, 2);
  t.regex((await run('cp', file, `${image}:/in`)).text, /13 bytes/);
  t.regex((await run('ls', image)).text, /-rw-r--r--\s+1 0:0\s+13 in\n/);
  t.is((await run('cat', `${image}:/in`)).text, 'hello, world\n');
  t.regex((await run('truncate', `${image}:/in`, '5')).text, /13 -> 5 bytes/);
  await run('cp', `${image}:/in`, join(folder, 'out'));
  t.is(readFileSync(join(folder, 'out'), 'utf8'), 'hello');
  t.regex((await run('df', image)).text, /2 used/);
  t.regex((await run('rm', `${image}:/in`)).text, /removed/);
  t.regex((await run('rm', `${image}:/in`)).text, /ENOENT/);
  const { status, text } = await run('fsck', '--json', image);
  t.is(status, 0);
  t.like(JSON.parse(text), { sound: true, files: 0, directories: 1 });
});
