// Goal: the command line says what is wrong in a sentence and answers with an exit status.

import test from 'ava';
import { main } from '../../lib/cli/main.js';

/** Run a command line and catch what it writes. */
async function run(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  const written = { out: '', err: '' };
  const stdout = process.stdout.write.bind(process.stdout);
  const stderr = process.stderr.write.bind(process.stderr);
  process.stdout.write = (text: unknown) => ((written.out += String(text)), true);
  process.stderr.write = (text: unknown) => ((written.err += String(text)), true);
  try {
    const status = await main(['node', 'leasehold', ...args]);
    return { status, ...written };
  } finally {
    process.stdout.write = stdout;
    process.stderr.write = stderr;
    process.exitCode = 0;
  }
}

test.serial('a refusal is one line with the errno, and exit status 2', async (t) => {
  const { status, err } = await run('conformance', '/no/such/folder');
  t.is(status, 2);
  t.regex(err, /^leasehold: ENOENT: .*\/no\/such\/folder\n$/);
});

test.serial('an unknown policy names the ones there are', async (t) => {
  const { status, err } = await run('lab', '--policy', 'hope');
  t.is(status, 2);
  t.regex(err, /EINVAL.*hope.*lease-break/);
});

test.serial('one recorded case can be asked for by its id', async (t) => {
  const { status, out } = await run('conformance', '--case', 'lease/two-readers', '--json');
  t.is(status, 0);
  t.like(JSON.parse(out), { kernel: '6.12', cases: 1, agree: 1, differ: [], unsupported: [] });
});
