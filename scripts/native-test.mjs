// Builds native/test/native_test.cc with the parts that know no JavaScript and runs it: once plain, once
// under the address and undefined-behaviour sanitizers, once under the thread sanitizer.
//
// A sanitizer that this compiler or machine cannot run is left out and said so. Exits with 1 when a test
// or a sanitizer complains, or when there is no compiler.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const out = join(root, 'build/native-test');
const parts = [
  'bulk',
  'dax_device',
  'file_lock',
  'futex',
  'page_copy',
  'page_counters',
  'page_space',
  'sigbus',
];
const sources = [
  ...parts.map((part) => join(root, `native/${part}.cc`)),
  join(root, 'native/test/native_test.cc'),
];

const variants = [
  { name: 'plain', flags: [] },
  { name: 'address,undefined', flags: ['-fsanitize=address,undefined'] },
  { name: 'thread', flags: ['-fsanitize=thread'] },
];

const env = {
  ...process.env,
  // Our SIGBUS handler is under test, and the futex threads never end: neither is the sanitizers' to take.
  ASAN_OPTIONS: 'handle_sigbus=0:allow_user_segv_handler=1:detect_leaks=0',
  UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
  TSAN_OPTIONS: 'handle_sigbus=0:report_thread_leaks=0:halt_on_error=1',
};

const run = (command, args, options = {}) =>
  spawnSync(command, args, { cwd: root, encoding: 'utf8', env, ...options });

const compiler = [process.env.CXX, 'c++', 'g++', 'clang++'].find(
  (command) => command && run(command, ['--version']).status === 0,
);
if (!compiler) {
  process.stderr.write('native-test: there is no C++ compiler\n');
  process.exit(1);
}
fs.mkdirSync(out, { recursive: true });

/** Whether a program that does nothing can be built with these flags and started. */
function works(flags) {
  if (flags.length === 0) return true;
  const source = join(out, 'nothing.cc');
  const binary = join(out, 'nothing');
  fs.writeFileSync(source, '#include <thread>\nint main() { std::thread([] {}).join(); }\n');
  const built = run(compiler, ['-std=c++17', ...flags, '-pthread', source, '-o', binary]);
  return built.status === 0 && run(binary, []).status === 0;
}

let failed = false;
for (const { name, flags } of variants) {
  if (!works(flags)) {
    process.stdout.write(`-- ${name}: not available here, left out\n`);
    continue;
  }
  process.stdout.write(`-- ${name}\n`);
  const binary = join(out, `native_test.${name.split(',')[0]}`);
  const args = ['-std=c++17', '-O1', '-g', '-Wall', '-Wextra', ...flags, '-pthread'];
  const built = run(compiler, [...args, ...sources, '-o', binary], { stdio: 'inherit' });
  const ok = built.status === 0 && run(binary, [], { stdio: 'inherit' }).status === 0;
  if (!ok) process.stdout.write(`-- ${name}: FAILED\n`);
  failed ||= !ok;
}
process.exit(failed ? 1 : 0);
