// Goal: race() is an ava test like any other, and its failures can be replayed. Method: run ava on
// small files in a process of its own and read what it prints.

import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertRace, race } from '../lib/ava.js';
import { memoryWorld } from '../lib/explore/index.js';
import { root } from './support/root.js';

race('two transfers of one counter add up', { world: null, mustComplete: true }, (t) => {
  const counter = t.object('counter');
  let value = 0;
  for (const name of ['a', 'b']) {
    t.task(name, async () => {
      await t.at(counter);
      value++;
    });
  }
  t.finish('both are counted', () => t.is(value, 2));
});

race('a machine boots for every schedule', { preemptions: 1 }, async (t, machine) => {
  const app = machine.spawn('app');
  const fd = await app.open('/data', ['rdwr', 'creat']);
  await app.write(fd, 0, new Uint8Array(4096));
  const admin = machine.spawn('admin');
  t.task('app', async () => {
    const { length } = await app.read(fd, 0, 4096);
    t.true(length === 0 || length === 4096);
  });
  t.task('admin', () => admin.truncate('/data', 0));
});

race(
  'a machine that is put back between its schedules has each of them begin alike',
  { preemptions: 1, reset: 'restore', mustComplete: true },
  async (t, machine) => {
    const seen = { inThisOne: 0 };
    const app = machine.spawn('app');
    const fd = await app.open('/data', ['rdwr', 'creat']);
    await app.write(fd, 0, new Uint8Array(4096));
    const admin = machine.spawn('admin');
    t.keep(seen);
    t.task('app', async () => {
      seen.inThisOne++;
      const { length } = await app.read(fd, 0, 4096);
      t.true(length === 0 || length === 4096);
      t.is(seen.inThisOne, 1);
    });
    t.task('admin', () => admin.truncate('/data', 0));
    t.finish('the file is empty', async () => t.is((await admin.stat('/data')).size, 0));
  },
);

race('a world of pages and files is given to the body', { world: memoryWorld() }, (t, world) => {
  t.is(world.file(2).nrPages, 2);
});

testProp(
  'a property makes scenarios: increments under a point each are never lost',
  [fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 })],
  async (t, steps) => {
    await assertRace(t, 'increments', { world: null }, (r) => {
      const cell = r.object('cell');
      let value = 0;
      steps.forEach((nr, i) => {
        r.task(`t${i}`, async () => {
          for (let k = 0; k < nr; k++) {
            await r.at(cell);
            value++;
          }
        });
      });
      r.finish('all are counted', () =>
        r.is(
          value,
          steps.reduce((a, b) => a + b, 0),
        ),
      );
    });
  },
  { numRuns: 10 },
);

const config = `export default {
  files: ['*.test.ts'],
  extensions: { ts: 'module' },
  nodeArguments: ['--import=${join(root, 'scripts/register.mjs')}'],
  workerThreads: false,
  timeout: '3m',
};
`;

const failing = `
import test from 'ava';
import { race } from '../../lib/ava.js';
race('an increment is never lost', { world: null }, (t) => {
  const cell = t.object('cell');
  let value = 0;
  for (const name of ['one', 'two']) {
    t.task(name, async () => {
      await t.at(cell);
      const seen = value;
      await t.at(cell);
      value = seen + 1;
    });
  }
  t.finish('both are counted', () => t.is(value, 2));
});
race('another one', { world: null }, () => {});
test('a plain one', (t) => t.is(process.env.LEASEHOLD_REPLAY, undefined));
`;

test('a failure prints token and schedule, and the token runs only that', (t) => {
  const folder = mkdtempSync(join(root, 'build', 'race-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'failing.test.ts');
  writeFileSync(file, failing);
  writeFileSync(join(folder, 'ava.config.js'), config);
  // The folder is a project of its own: ava looks for its files below the nearest package.json.
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const ava = (env: Record<string, string>) => {
    const command = [
      join(root, 'node_modules/ava/entrypoints/cli.mjs'),
      '--tap',
      'failing.test.ts',
    ];
    const { AVA_PATH: _ava, NODE_OPTIONS: _options, ...outer } = process.env;
    return spawnSync(process.execPath, command, {
      cwd: folder,
      env: { ...outer, ...env },
      timeout: 60_000,
    });
  };
  const first = ava({});
  const printed = String(first.stdout);
  t.is(first.status, 1, String(first.stderr));
  const [, token] = /LEASEHOLD_REPLAY=(\S+)/.exec(printed) ?? [];
  t.regex(token ?? '', /^an-increment-is-never-lost\.1\./);
  t.regex(printed, /one +\| two/);
  t.regex(printed, /leak: both are counted/);
  const second = ava({ LEASEHOLD_REPLAY: token! });
  t.is(second.status, 1);
  t.regex(String(second.stdout), /leak: both are counted/);
  t.notRegex(String(second.stdout), /ok \d+ - a plain one/);
});
