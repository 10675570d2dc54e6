// Goal: mkfs is there, with what it takes.

import test from 'ava';
import { Command } from 'commander';
import { addMkfs } from '../../lib/cli/mkfs-command.js';

test('mkfs takes an image, a size, a flavor and force', (t) => {
  const program = new Command();
  addMkfs(program);
  const [mkfs] = program.commands;
  t.is(mkfs?.name(), 'mkfs');
  t.deepEqual(
    mkfs?.options.map((o) => o.long),
    ['--size', '--flavor', '--force'],
  );
});

test('without an image, or with another flavor, nothing is made', async (t) => {
  const program = new Command().exitOverride();
  addMkfs(program);
  const args = ['node', 'leasehold', 'mkfs', '/nowhere/i.img', '--size', '1M'];
  await t.throwsAsync(program.parseAsync([...args, '--flavor', 'fat']), { message: /EINVAL/ });
  await t.throwsAsync(program.parseAsync(args), { message: /ENOENT/ });
});
