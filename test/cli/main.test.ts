// Goal: the command line says what is wrong in a sentence and answers with an exit status.

import test from 'ava';
import { commandLine } from '../support/command-line.js';

test.serial('a refusal is one line with the errno, and exit status 2', async (t) => {
  const { status, err } = await commandLine('conformance', '/no/such/folder');
  t.is(status, 2);
  t.regex(err, /^leasehold: ENOENT: .*\/no\/such\/folder\n$/);
});

test.serial('an unknown policy names the ones there are', async (t) => {
  const { status, err } = await commandLine('lab', '--policy', 'hope');
  t.is(status, 2);
  t.regex(err, /EINVAL.*hope.*lease-break/);
});

test.serial('one recorded case can be asked for by its id', async (t) => {
  const { status, out } = await commandLine('conformance', '--case', 'lease/two-readers', '--json');
  t.is(status, 0);
  t.like(JSON.parse(out), { kernel: '6.12', cases: 1, agree: 1, differ: [], unsupported: [] });
});
