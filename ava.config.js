// How ava runs: TypeScript through tsx, a child process per file so that a crash names its file.
export default {
  files: ['test/**/*.test.ts', '!test/**/*.slow.test.ts'],
  extensions: { ts: 'module' },
  nodeArguments: ['--import=tsx'],
  workerThreads: false,
  concurrency: 2,
  timeout: '3m',
};
