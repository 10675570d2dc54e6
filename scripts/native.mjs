// Builds the native addon, build/Release/leasehold.node, with whatever this machine has.
//
//   node scripts/native.mjs               build
//   node scripts/native.mjs --if-needed   build unless a binary is there that loads and is not older
//                                         than its sources
//   node scripts/native.mjs --prebuild    build, and keep a copy in prebuilds/ for the npm package
//
// Ways, in order; each that does not give a binary that loads falls through to the next:
//   node-gyp   where headers of this very Node.js are on this machine; it would download them otherwise
//   cmake-js   needs cmake; headers come from the packages node-api-headers and node-addon-api
//   c++        needs a compiler and nothing else
// Nothing is ever downloaded. Exits with 1 and says what is missing when no way is left.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
const built = join(root, 'build/Release/leasehold.node');
const prebuilt = join(root, `prebuilds/${process.platform}-${process.arch}/leasehold.node`);
const say = (line) => process.stderr.write(`leasehold: ${line}\n`);

function nativeSources() {
  const folder = join(root, 'native');
  if (!fs.existsSync(folder)) return [];
  const files = fs.readdirSync(folder).filter((name) => /\.(cc|h)$/.test(name));
  return files.map((name) => join(folder, name));
}

/** Why the binary does not load, or undefined. Asked of a child: a bad binary may take us with it. */
function loadFailure(binary) {
  if (!fs.existsSync(binary)) return 'it is not there';
  const script = 'require(process.argv[1]).PageSpace.name';
  const child = spawnSync(process.execPath, ['-e', script, binary], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  if (child.status === 0) return undefined;
  return child.stderr.split('\n').find((line) => /Error/.test(line)) ?? `signal ${child.signal}`;
}

function isCurrent(binary) {
  if (!fs.existsSync(binary)) return false;
  const { mtimeMs } = fs.statSync(binary);
  return nativeSources().every((file) => fs.statSync(file).mtimeMs <= mtimeMs);
}

const usable = (binary) => isCurrent(binary) && loadFailure(binary) === undefined;

/** A prefix whose include/node belongs to the Node.js that runs this, or undefined. */
function localHeaders() {
  const prefixes = [
    process.env.npm_config_nodedir,
    join(process.execPath, '../..'),
    process.config.variables.node_prefix,
    '/usr/local',
    '/usr',
  ];
  const major = process.versions.node.split('.')[0];
  return prefixes.find((prefix) => {
    if (!prefix) return false;
    const header = join(prefix, 'include/node/node_version.h');
    if (!fs.existsSync(header)) return false;
    return new RegExp(`define NODE_MAJOR_VERSION ${major}\\b`).test(
      fs.readFileSync(header, 'utf8'),
    );
  });
}

function nodeGyp() {
  const npm = join(process.execPath, '../../lib/node_modules/npm/node_modules/node-gyp');
  const places = [process.env.npm_config_node_gyp, join(npm, 'bin/node-gyp.js')];
  return places.find((place) => place && fs.existsSync(place));
}

const has = (command) => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
const compiler = () => [process.env.CXX, 'c++', 'g++', 'clang++'].find((c) => c && has(c));

function resolvePackage(name) {
  try {
    return require.resolve(`${name}/package.json`);
  } catch {
    return undefined;
  }
}

/** Each way: what it lacks here (empty: it can be tried), and the command that builds. */
const ways = [
  {
    name: 'node-gyp',
    lacks: () => [
      ...(nodeGyp() ? [] : ['node-gyp']),
      ...(localHeaders() ? [] : [`headers of Node.js ${process.version}`]),
      ...(has('make') ? [] : ['make']),
      ...(has('python3') ? [] : ['python3']),
      ...(compiler() ? [] : ['a C++ compiler']),
    ],
    command: () => [
      process.execPath,
      [nodeGyp(), 'configure', 'build', `--nodedir=${localHeaders()}`, '-j', 'max'],
    ],
  },
  {
    name: 'cmake-js',
    lacks: () => [
      ...(resolvePackage('cmake-js') ? [] : ['the package cmake-js']),
      ...(has('cmake') ? [] : ['cmake']),
      ...(has('make') || has('ninja') ? [] : ['make or ninja']),
      ...(compiler() ? [] : ['a C++ compiler']),
    ],
    command: () => [
      process.execPath,
      [join(dirname(resolvePackage('cmake-js')), 'bin/cmake-js'), 'compile', '-O', 'build/cmake'],
    ],
  },
  {
    name: 'c++',
    lacks: () => (compiler() ? [] : ['a C++ compiler (Debian: apt install g++)']),
    command: () => [
      compiler(),
      [
        ...['-std=c++17', '-O2', '-fPIC', '-shared', '-pthread', '-fvisibility=hidden'],
        ...['-DNAPI_VERSION=8', '-DNAPI_CPP_EXCEPTIONS'],
        ...['-DNODE_ADDON_API_REQUIRE_BASIC_FINALIZERS', '-DNODE_GYP_MODULE_NAME=leasehold'],
        ...['node-addon-api', 'node-api-headers'].map((name) => `-I${includeDir(name)}`),
        ...nativeSources().filter((file) => file.endsWith('.cc')),
        ...['-Wl,-z,nodelete', '-ldl', '-o', built],
      ],
    ],
  },
];

function includeDir(name) {
  const dir = require(name).include_dir;
  return dir.startsWith('/') ? dir : join(process.cwd(), dir);
}

function build() {
  if (process.platform !== 'linux') {
    say(`the native addon needs Linux; this is ${process.platform}.`);
    return false;
  }
  const missing = ['node-addon-api', 'node-api-headers'].filter((name) => !resolvePackage(name));
  if (missing.length > 0) {
    say(`the packages ${missing.join(' and ')} are missing: run npm ci.`);
    return false;
  }
  fs.mkdirSync(dirname(built), { recursive: true });
  const troubles = [];
  for (const way of ways) {
    const lacks = way.lacks();
    if (lacks.length > 0) {
      troubles.push(`${way.name}: needs ${lacks.join(', ')}`);
      continue;
    }
    say(`building the native addon (${way.name})`);
    const [command, args] = way.command();
    const child = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
    const failure = child.status === 0 ? loadFailure(built) : 'the build failed';
    if (failure === undefined) {
      // A build that found nothing to do leaves the old time, older than a source that was touched.
      fs.utimesSync(built, new Date(), new Date());
      return true;
    }
    troubles.push(`${way.name}: ${failure}\n${`${child.stdout}\n${child.stderr}`.trim()}`);
  }
  say(`the native addon could not be built:\n  ${troubles.join('\n  ')}`);
  return false;
}

/** One build at a time: a folder is the lock, and the pid in it tells whether its maker lives. */
function withLock(work) {
  const lock = join(root, 'build/native.lock');
  fs.mkdirSync(dirname(lock), { recursive: true });
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    try {
      fs.writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (e) {
      if (e.code !== 'EEXIST') throw e;
    }
    const pid = Number(readIfThere(lock));
    if (pid > 0 && !fs.existsSync(`/proc/${pid}`)) fs.rmSync(lock, { force: true });
    else Atomics.wait(pause, 0, 0, 100);
  }
  try {
    return work();
  } finally {
    fs.rmSync(lock, { force: true });
  }
}

function readIfThere(path) {
  try {
    return fs.readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

const ifNeeded = process.argv.includes('--if-needed');
const done = () => ifNeeded && (usable(built) || usable(prebuilt));
if (!done()) {
  const ok = withLock(() => done() || build());
  if (!ok) process.exit(1);
  if (process.argv.includes('--prebuild')) {
    fs.mkdirSync(dirname(prebuilt), { recursive: true });
    fs.copyFileSync(built, prebuilt);
    say(`copied to ${prebuilt}`);
  }
}
