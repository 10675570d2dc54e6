// Goal: text is broken for a terminal and for nobody else. Method: the command under a terminal of
// script(1), and with a pipe.

import test from 'ava';
import { spawnSync } from 'node:child_process';
import { textColumns } from '../../lib/cli/terminal.js';

const list = ['scripts/leasehold.mjs', 'race', '--list'];

test('no limit without a terminal', (t) => {
  t.falsy(process.stdout.isTTY);
  t.is(textColumns(), Infinity);
});

test('a list has a line for each scenario in a pipe, and lines that fit in a terminal', (t) => {
  const piped = spawnSync(process.execPath, list, { encoding: 'utf8' }).stdout.trimEnd();
  t.true(piped.split('\n').every((line) => /^\S+ +(rooms|machine|model|threads) /.test(line)));
  t.true(piped.split('\n').some((line) => line.length > 100));
  const command = `stty cols 100; ${process.execPath} ${list.join(' ')}`;
  const shown = spawnSync('script', ['-qec', command, '/dev/null'], { encoding: 'utf8' }).stdout;
  const lines = shown.replaceAll('\r', '').trimEnd().split('\n');
  t.true(lines.length > piped.split('\n').length);
  t.true(lines.every((line) => line.length <= 100));
});
