// How ava runs: a child process for each file, so that a crash names its file. Its modules are
// those of the bundle that scripts/test-bundle.mjs makes; while ava watches, which outlives the
// sources it began with, TypeScript by scripts/register.mjs.
import { fileURLToPath } from 'node:url';
import { testBundle } from './scripts/test-bundle.mjs';

const watches = process.argv.some((arg) => arg === '--watch' || arg === '-w');
const scripts = new URL('scripts/', import.meta.url);
if (!watches) process.env.LEASEHOLD_TEST_BUNDLE = await testBundle();

export default {
  files: ['test/**/*.test.ts', '!test/**/*.slow.test.ts'],
  extensions: { ts: watches ? 'module' : 'commonjs' },
  nodeArguments: watches
    ? [`--import=${new URL('register.mjs', scripts)}`]
    : [`--require=${fileURLToPath(new URL('register-tests.cjs', scripts))}`],
  workerThreads: false,
  concurrency: 3,
  timeout: '3m',
};
