// Goal: a new driver is a whole driver under its own name. Method: make one in an empty folder.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { newDriver } from '../../lib/cli/new-driver-command.js';

function folder(t: { teardown(fn: () => void): void }): string {
  const made = mkdtempSync(join(tmpdir(), 'leasehold-'));
  t.teardown(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

test('the folder and its test are made, and speak of the new name', (t) => {
  const root = folder(t);
  const files = newDriver('shouter', root);
  t.true(files.includes(join(root, 'drivers/shouter/index.ts')));
  t.true(files.includes(join(root, 'test/drivers/shouter/index.test.ts')));
  const driver = readFileSync(join(root, 'drivers/shouter/index.ts'), 'utf8');
  t.regex(driver, /^\/\/ shouter: /);
  t.regex(driver, /name: 'shouter'/);
  t.regex(driver, /'emul,shouter'/);
  t.notRegex(driver, /'null'/);
  const suite = readFileSync(join(root, 'test/drivers/shouter/index.test.ts'), 'utf8');
  t.regex(suite, /from '..\/..\/..\/drivers\/shouter\/index\.js'/);
  t.regex(suite, /openNode\('shouter0'\)/);
  t.notRegex(suite, /drivers\/null/);
});

for (const name of ['', 'Shouter', '9lives', '../up', 'a b']) {
  test(`${JSON.stringify(name)} is no name for a driver: EINVAL, and nothing is made`, (t) => {
    const root = folder(t);
    t.throws(() => newDriver(name, root), { code: 'EINVAL', message: /name/ });
    t.false(existsSync(join(root, 'drivers')));
  });
}

test('a driver that is there already is not overwritten: EEXIST', (t) => {
  const root = folder(t);
  newDriver('shouter', root);
  t.throws(() => newDriver('shouter', root), { code: 'EEXIST' });
});
