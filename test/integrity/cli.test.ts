// Goal: a command line that asks for what is not there ends at once with a status that is not 0
// and a message on the error stream that names the option or argument; nothing goes to the other
// stream, and no file is made. Method: commander's own list of commands, arguments and options.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { program } from '../../lib/cli/main.js';
import { commandLine } from '../support/command-line.js';

const folder = mkdtempSync(join(tmpdir(), 'leasehold-cli-'));
const image = join(folder, 'none.img');
const garbage = join(folder, 'garbage');
writeFileSync(garbage, 'x'.repeat(9000));
test.after.always('remove', () => rmSync(folder, { recursive: true, force: true }));

const commands = program().commands.filter((command) => !command.name().endsWith('-process'));

/** Arguments that are well formed, where a command needs some to get as far as its options. */
const good: Readonly<Record<string, readonly string[]>> = {
  cat: [`${image}:/f`],
  cp: [`${image}:/f`, `${image}:/g`],
  df: [image],
  fsck: [image],
  ls: [image],
  mkfs: [image],
  race: ['no-such-scenario'],
  'new-driver': ['toy'],
  replay: ['token'],
  rm: [`${image}:/f`],
  truncate: [`${image}:/f`, '0'],
};

const noNumbers = ['0x', '-1', 'many', '1.5', 'NaN', ''];
/** Values of options that are none. */
const badValues: Readonly<Record<string, readonly string[]>> = {
  'bench --only': ['bogus'],
  'conformance --area': ['bogus'],
  'conformance --case': ['bogus/none'],
  'conformance --kernel': ['2.6', ''],
  'lab --policy': ['hope', '/no/such/policy.ts'],
  'lab --driver': ['floppy', ''],
  'lab --behaviour': ['bogus'],
  'lab --operation': ['bogus'],
  'lab --schedules': [...noNumbers, '0'],
  'lab --seconds': [...noNumbers, '0'],
  'lab --processes': [...noNumbers, '0'],
  'mkfs --size': ['many', '-1', '1.5M', '10X', ''],
  'mkfs --flavor': ['ntfs', ''],
  'race --strategy': ['bogus'],
  'race --preemptions': noNumbers,
  'race --seed': noNumbers,
  'race --depth': noNumbers,
  'race --runs': noNumbers,
  'race --seconds': noNumbers,
  'race --schedules': noNumbers,
  'race --threads': noNumbers,
  'race --processes': noNumbers,
  'torture --kills': noNumbers,
  'torture --seed': noNumbers,
  'torture --jobs': [...noNumbers, '0'],
  'torture --power-failures': noNumbers,
  'torture --lines': noNumbers,
  'torture --damage': noNumbers,
};
/** Names of files that the command makes or reads: anything may be one. */
const anyName = [
  'lab --device',
  'lab --report',
  'lab --trace',
  'replay --policy',
  'replay --trace',
];

for (const command of commands) {
  const name = command.name();
  test.serial(`${name}: an option that it has not is refused by name`, async (t) => {
    const { status, out, err } = await commandLine(name, ...(good[name] ?? []), '--bogus');
    t.not(status, 0);
    t.is(out, '');
    t.regex(err, /--bogus/);
  });

  for (const [i, argument] of command.registeredArguments.entries()) {
    if (!argument.required) continue;
    test.serial(`${name}: without <${argument.name()}> it says so`, async (t) => {
      const { status, out, err } = await commandLine(name, ...(good[name] ?? []).slice(0, i));
      t.not(status, 0);
      t.is(out, '');
      t.true(err.includes(`'${argument.name()}'`), err);
    });
  }

  for (const option of command.options.filter(({ required }) => required)) {
    const flag = `${name} ${option.long}`;
    if (anyName.includes(flag)) continue;
    test.serial(`${flag}: what is no value of it is refused by name`, async (t) => {
      const values = badValues[flag];
      if (values === undefined) return t.fail('a row in badValues');
      for (const value of values) {
        const { status, out, err } = await commandLine(
          ...[name, ...(good[name] ?? []), option.long!, value],
        );
        t.not(status, 0, `${flag} '${value}'`);
        t.is(out, '', `${flag} '${value}'`);
        t.true(err.includes(option.long!) || (value !== '' && err.includes(value)), err);
      }
    });
  }
}

const refusals: readonly (readonly [args: readonly string[], says: RegExp])[] = [
  [['bogus'], /bogus/],
  [['fsck', image], /none\.img/],
  [['fsck', garbage], /garbage/],
  [['fsck', folder], /leasehold-cli-/],
  [['df', garbage], /garbage/],
  [['ls', `${image}:/`], /none\.img/],
  [['cat', image], /none\.img/],
  [['rm', image], /none\.img/],
  [['truncate', `${image}:/f`, 'long'], /long/],
  [['mkfs', image], /--size/],
  [['mkfs', garbage], /garbage/],
  [['mkfs', folder, '--size', '1M'], /open/],
  [['mkfs', image, '--size', '5000'], /size|5000/],
  [['new-driver', 'Bad Name'], /Bad Name/],
  [['race', 'bogus'], /bogus/],
  [['replay', 'bogus'], /bogus|token/],
  [['conformance', garbage], /garbage/],
];

for (const [args, says] of refusals) {
  const line = args.map((arg) => arg.replace(folder, '')).join(' ');
  test.serial(`${line}: refused, and nothing made`, async (t) => {
    const { status, out, err } = await commandLine(...args);
    t.not(status, 0);
    t.is(out, '');
    t.regex(err, says);
    t.deepEqual(readdirSync(folder), ['garbage']);
  });
}
