// Goal: what the README shows is true. Method: run its programs as they stand, and compare what
// they print with the comments beside each console.log.

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { root, runSources } from './support/root.js';

const run = promisify(execFile);

/** The programs of a Markdown file: its `ts` blocks that import something. */
function programs(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)]
    .map((m) => m[1] ?? '')
    .filter((code) => /from 'leasehold['/]/.test(code) && !code.includes("'leasehold/ava'"));
}

/** Import from the sources what a reader imports from the package. */
function fromSource(code: string): string {
  return code
    .replace(/'leasehold\/drivers\/([a-z0-9-]+)'/g, `'${root}/drivers/$1/index.ts'`)
    .replace(/'leasehold\/driver'/g, `'${root}/lib/driver/index.ts'`)
    .replace(/'leasehold'/g, `'${root}/lib/index.ts'`);
}

/** What `console.log(...); // this` says will be printed, line by line. */
const promised = (code: string): string[] =>
  [...code.matchAll(/console\.log\(.*\);? *\/\/ (.*)$/gm)].map((m) => m[1] ?? '');

for (const file of ['README.md', 'drivers/rdma/README.md', 'drivers/v4l2/README.md']) {
  for (const [i, code] of programs(file).entries()) {
    test(`${file}: program ${i + 1} prints what it says`, async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'leasehold-readme-'));
      t.teardown(() => rmSync(folder, { recursive: true, force: true }));
      const path = join(folder, 'program.mts');
      writeFileSync(path, fromSource(code));
      const { stdout } = await run(process.execPath, [...runSources, path], { cwd: folder });
      t.deepEqual(stdout.trim().split('\n'), promised(code));
      t.true(promised(code).length > 0, 'a program without a promise shows nothing');
    });
  }
}
