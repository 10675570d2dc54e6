// Other threads and processes for tests: both run TypeScript of this tree.
//
// A worker cannot be started from a .ts file on Node.js 20, so it is a script that imports what it
// needs by load('lib/...'). A process is told what to do by a module text of its own.

import { type ChildProcess, spawn } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { root, runSources } from '../support/root.js';

export { root };

const rootUrl = pathToFileURL(`${root}/`).href;

/** Run the body of an async function (load, data) => result in a worker; its result. */
export async function inWorker(body: string, data: unknown): Promise<unknown> {
  const { done } = startWorker(body, data);
  return done;
}

export function startWorker(
  body: string,
  data: unknown,
): { worker: Worker; done: Promise<unknown> } {
  const script = `
    const { parentPort, workerData } = require('node:worker_threads');
    require('node:module').register(${JSON.stringify(`${rootUrl}scripts/typescript-hooks.mjs`)});
    (async () => {
      const load = (path) => import(${JSON.stringify(rootUrl)} + path);
      const result = await (async (load, data) => { ${body} })(load, workerData);
      parentPort.postMessage({ result });
    })().catch((e) => parentPort.postMessage({ error: String(e && e.stack || e) }));
  `;
  const worker = new Worker(script, { eval: true, execArgv: [], workerData: data });
  const done = new Promise<unknown>((resolve, reject) => {
    worker.once('message', (message: { result?: unknown; error?: string }) => {
      if (message.error !== undefined) reject(new Error(`in the worker: ${message.error}`));
      else resolve(message.result);
    });
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the worker ended with ${code}`)));
  });
  return { worker, done };
}

/** A child process and the lines it prints. */
export class Child {
  readonly process: ChildProcess;
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly #lines: string[] = [];
  #waiting: ((line: string | undefined) => void)[] = [];
  #partial = '';
  #over = false;

  /** Run the text of a module, which finds lib/ below the constant `root` and prints lines. */
  constructor(body: string) {
    const text = `const root = ${JSON.stringify(rootUrl)};\n${body}`;
    this.process = spawn(process.execPath, [...runSources, '--input-type=module', '--eval', text], {
      cwd: root,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => this.#take(text));
    this.ended = new Promise((resolve) => {
      this.process.once('close', (code, signal) => {
        this.#over = true;
        this.#waiting.forEach((give) => give(undefined));
        resolve(signal ?? code ?? -1);
      });
    });
  }

  /** The next line that it prints. Rejects when it ends without one. */
  async line(): Promise<string> {
    const line =
      this.#lines.shift() ??
      (this.#over
        ? undefined
        : await new Promise<string | undefined>((give) => this.#waiting.push(give)));
    if (line === undefined) throw new Error('the child process ended');
    return line;
  }

  /** Let it go on: it waits for a line on its standard input. */
  tell(line: string): void {
    this.process.stdin?.write(`${line}\n`);
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.ended;
  }

  #take(text: string): void {
    const lines = (this.#partial + text).split('\n');
    this.#partial = lines.pop() ?? '';
    for (const line of lines) {
      const give = this.#waiting.shift();
      if (give !== undefined) give(line);
      else this.#lines.push(line);
    }
  }
}
