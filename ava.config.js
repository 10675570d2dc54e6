// How ava runs: TypeScript by scripts/register.mjs, and a child process for each file, so that a
// crash names its file.
export default {
  files: ['test/**/*.test.ts', '!test/**/*.slow.test.ts'],
  extensions: { ts: 'module' },
  nodeArguments: [`--import=${new URL('scripts/register.mjs', import.meta.url)}`],
  workerThreads: false,
  concurrency: 3,
  timeout: '3m',
};
