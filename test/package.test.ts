// Goal: what npm gets works: imported, required and type-checked by somebody else's project.
//
// Method: the package is built in a temporary folder, and a project beside it depends on it by
// name. A build of the project itself that is newer than every source is taken instead of another.

import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { isFreshBuild } from './support/fresh-build.js';
import { root } from './support/root.js';

const folder = mkdtempSync(join(tmpdir(), 'leasehold-package-'));
const consumer = join(folder, 'consumer');

const run = (cwd: string, ...argv: string[]) =>
  spawnSync(process.execPath, argv, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  });

const config = [
  ...['package.json', 'scripts/open-fields.mjs'],
  ...['tsconfig.json', 'tsconfig.types.json', 'tsup.config.ts'],
];
const sources = ['drivers', 'lib', ...config];
/** One file of each part of a build, the one it writes last among them. */
const whole = ['cjs/index.cjs', 'esm/index.js', 'types/lib/index.d.ts', 'types-cjs/package.json'];

function build(t: ExecutionContext, built: string): void {
  for (const part of sources) cpSync(join(root, part), join(built, part), { recursive: true });
  const { status, stdout, stderr } = run(built, 'node_modules/tsup/dist/cli-default.js');
  t.is(status, 0, stdout + stderr);
  // What the sources are is not in the package's dist; nothing may lean on them.
  for (const part of ['drivers', 'lib', 'scripts']) rmSync(join(built, part), { recursive: true });
}

test.before('build', (t) => {
  t.timeout(600_000);
  const built = join(folder, 'leasehold');
  mkdirSync(built);
  for (const part of ['build', 'node_modules']) symlinkSync(join(root, part), join(built, part));
  const dist = join(root, 'dist');
  const paths = sources.map((part) => join(root, part));
  if (isFreshBuild(dist, paths, whole)) {
    cpSync(dist, join(built, 'dist'), { recursive: true });
    cpSync(join(root, 'package.json'), join(built, 'package.json'));
    t.log('the build of the project is newer than its sources');
  } else {
    build(t, built);
  }

  mkdirSync(join(consumer, 'node_modules/@types'), { recursive: true });
  symlinkSync(built, join(consumer, 'node_modules/leasehold'));
  const types = 'node_modules/@types/node';
  symlinkSync(join(root, types), join(consumer, types));
  writeFileSync(join(consumer, 'package.json'), '{ "name": "consumer", "type": "module" }');
});

test.after.always('remove', () => rmSync(folder, { recursive: true, force: true }));

/** A machine, a driver of another door, an errno of the driver's, and a forced unpin. */
const story = `
async function story() {
  const machine = await bootMachine({
    size: 16 * MiB,
    kernel: 'proposed',
    mounts: { '/': { flavor: 'ext4', dax: true, policy: 'revoke' } },
    drivers: [rdma],
    clock: 'virtual',
  });
  const app = machine.spawn('app');
  const fd = await app.open('/data', ['rdwr', 'creat']);
  await app.write(fd, 0, new Uint8Array(64 * KiB));
  const addr = await app.mmap({ fd, len: 64 * KiB, prot: 'rw', share: 'shared' });
  const ctx = await app.openDevice('rdma0');
  const pd = await ctx.allocPD();
  const refused = await ctx.regMR(pd, 0, 64 * KiB, ['local_write']).catch((e) => e);
  await ctx.regMR(pd, addr, 64 * KiB, ['local_write']);
  await machine.spawn('admin').truncate('/data', 0);
  const stray = machine.referee.verdict().stray.length;
  await machine.powerOff();
  return { refused: isErrno(refused) && refused.code, stray, policies: 'orphan' in policies };
}
story().then((result) => console.log(JSON.stringify(result)));
`;

const expected = { refused: 'EFAULT', stray: 0, policies: true };
const names = '{ bootMachine, isErrno, KiB, MiB, policies }';

test('a build is taken if it is whole and each of its files is newer than every source', (t) => {
  const place = join(folder, 'times');
  const [dist, lib] = [join(place, 'dist'), join(place, 'lib')];
  const put = (path: string, atS: number): void => {
    writeFileSync(path, '');
    utimesSync(path, atS, atS);
  };
  const fresh = () => isFreshBuild(dist, [lib], ['index.js']);
  for (const path of [dist, lib]) mkdirSync(path, { recursive: true });
  put(join(lib, 'a.ts'), 100);
  utimesSync(lib, 100, 100);
  t.false(fresh(), 'nothing is built');
  put(join(dist, 'index.js'), 101);
  t.true(fresh());
  put(join(dist, 'chunk.js'), 99);
  t.false(fresh(), 'part of it is old');
  put(join(dist, 'chunk.js'), 102);
  t.true(fresh());
  utimesSync(lib, 103, 103);
  t.false(fresh(), 'a source came or went');
});

test('the package is imported as an ES module, a driver with the same Errno', (t) => {
  const imports = `import ${names} from 'leasehold';\nimport rdma from 'leasehold/drivers/rdma';\n`;
  writeFileSync(join(consumer, 'app.mjs'), imports + story);
  const { stdout, stderr } = run(consumer, 'app.mjs');
  t.is(stderr, '');
  t.deepEqual(JSON.parse(stdout), expected);
});

test('the package is required as CommonJS, a driver with the same Errno', (t) => {
  const requires = `const ${names} = require('leasehold');
const { default: rdma } = require('leasehold/drivers/rdma');\n`;
  writeFileSync(join(consumer, 'app.cjs'), requires + story);
  const { stdout, stderr } = run(consumer, 'app.cjs');
  t.is(stderr, '');
  t.deepEqual(JSON.parse(stdout), expected);
});

test('its types hold for a consumer of either kind, verbs and all', (t) => {
  const typed = `import { bootMachine, KiB, type Machine, type Verdict } from 'leasehold';
import rdma from 'leasehold/drivers/rdma';
import { defineDriver, type Device } from 'leasehold/driver';

export const mine = defineDriver({
  name: 'mine',
  apiVersion: 1,
  idTable: [{ compatible: 'mine,mine' }],
  probe: (dev: Device): Device => dev,
});

export async function main(): Promise<Verdict> {
  const machine: Machine = await bootMachine({ drivers: [rdma, mine], clock: 'virtual' });
  const ctx = await machine.spawn('app').openDevice('rdma0');
  const pd = await ctx.allocPD();
  await ctx.regMR(pd, 0, 4 * KiB, ['local_write']);
  // @ts-expect-error: there is no such access right
  await ctx.regMR(pd, 0, 4 * KiB, ['no_such_right']);
  // @ts-expect-error: there is no such clock
  await bootMachine({ clock: 'sundial' });
  return machine.referee.verdict();
}
`;
  writeFileSync(join(consumer, 'typed.mts'), typed);
  writeFileSync(join(consumer, 'typed.cts'), typed);
  const options = {
    ...{ strict: true, noEmit: true, module: 'NodeNext', target: 'ES2022', types: ['node'] },
    lib: ['ES2023', 'ESNext.Disposable', 'ESNext.Collection'],
  };
  const config = { compilerOptions: options, files: ['typed.mts', 'typed.cts'] };
  writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify(config));
  const { status, stdout } = run(
    consumer,
    join(root, 'node_modules/typescript/bin/tsc'),
    '-p',
    '.',
  );
  t.is(stdout, '');
  t.is(status, 0);
});
