// Command lines that run in this process, and what they print. Tests that use them are serial, as
// a process has one of each stream; its exit code is put back.

import { main } from '../../lib/cli/main.js';

export interface Printed {
  /** process.exitCode as it was left; 0 if nobody set it. */
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

const text = (bytes: string | Uint8Array): string =>
  typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes);

/** Run fn and catch what it prints. */
export async function printed(fn: () => Promise<unknown>): Promise<Printed> {
  const stdout = process.stdout.write.bind(process.stdout);
  const stderr = process.stderr.write.bind(process.stderr);
  let [out, err] = ['', ''];
  process.stdout.write = (bytes: string | Uint8Array) => ((out += text(bytes)), true);
  process.stderr.write = (bytes: string | Uint8Array) => ((err += text(bytes)), true);
  process.exitCode = 0;
  try {
    await fn();
    return { status: Number(process.exitCode), out, err };
  } finally {
    process.stdout.write = stdout;
    process.stderr.write = stderr;
    process.exitCode = 0;
  }
}

/** Run `leasehold ...args`; status is what main() answers. */
export async function commandLine(...args: string[]): Promise<Printed> {
  let status = 0;
  const ran = await printed(async () => (status = await main(['node', 'leasehold', ...args])));
  return { ...ran, status };
}
