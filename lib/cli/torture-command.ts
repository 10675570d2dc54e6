// leasehold torture: kills machines at random instants and holds what is left against what had been
// promised. Every run prints its seed; the same seed plays the same operations, though not the same
// instant. Exit status 1 if anything was lost.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { Prng } from '../sched/index.js';
import { MiB } from '../units.js';
import { checkImage } from './fsck-command.js';
import type { DamageReport } from './damage.js';
import { damageNames } from './damage-child.js';
import { say } from './image.js';
import { powerFailures } from './power-fail.js';
import { modelAt, type Progress } from './torture-model.js';
import { bootFor, contentsOf, Player, setupOf } from './torture-player.js';
import { positive, wholeNumber } from './numbers.js';

const SIZE = 4 * MiB;
/** The longest time that a child lives after it began, in milliseconds. */
const MAX_LIFE_MS = 120;
/** Processes that try every byte, by job: one has its images in memory until they are collected. */
const SHARES = 20;
/** Only the process dies, so memory will do; it does more operations in the same time. */
const place = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

interface Options {
  readonly kills: number;
  readonly seed: number;
  readonly jobs: number;
  readonly powerFailures: number;
  readonly lines: number;
  readonly damage: number;
}

export interface Outcome extends Progress {
  readonly seed: number;
  readonly lost: string | null;
}

/** The file of a program beside this one. */
const codeOf = (name: string): string => {
  const file = fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
  return import.meta.url.endsWith('.ts') ? file : file.replace(/\.ts$/, '.js');
};

/** Start a child and kill it some time after it began, or rarely before. */
function killed(image: string, progress: string, seed: number): Promise<void> {
  const lifeMs = (new Prng(seed ^ 0x5eed).uint32() / 2 ** 32) * MAX_LIFE_MS;
  return new Promise((resolve, reject) => {
    const args = [...process.execArgv, codeOf('torture-child'), image, progress, String(seed)];
    const worker = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    worker.stderr.on('data', (text: Buffer) => (said += text.toString()));
    worker.stdout.once('data', () => setTimeout(() => worker.kill('SIGKILL'), lifeMs));
    worker.on('error', reject);
    worker.on('exit', (_code, signal) => {
      if (signal === 'SIGKILL') resolve();
      else reject(new Error(`torture: seed ${seed}: the child ended by itself: ${said}`));
    });
  });
}

/** How far the child came; see torture-child.ts. */
function progressIn(file: string): Progress {
  const bytes = readFileSync(file);
  return { begun: bytes.readUInt32LE(0), ended: bytes.readUInt32LE(4) };
}

/** Make, torture, recover and check one image. */
export async function tortureOnce(folder: string, seed: number): Promise<Outcome> {
  const image = join(folder, `${seed}.img`);
  const progress = join(folder, `${seed}.progress`);
  writeFileSync(progress, new Uint8Array(8));
  const setup = setupOf(seed);
  {
    await using machine = await bootFor(image, setup, SIZE);
    await new Player(machine.spawn('prepare')).prepare();
  }
  await killed(image, progress, seed);
  const came = progressIn(progress);
  const model = modelAt(seed, came, { storesSurvive: setup.dax });
  let lost: string | null;
  try {
    const before = await checkImage(image, false);
    const first = before.findings[0];
    {
      await using machine = await bootFor(image, setup);
      lost = model.check(await contentsOf(machine.spawn('check')));
    }
    const after = (await checkImage(image, false)).findings[0];
    if (first !== undefined) lost ??= `fsck: ${first.what}`;
    if (after !== undefined) lost ??= `fsck after the mount: ${after.what}`;
  } catch (e) {
    lost = `recovery: ${e instanceof Error ? (e.stack ?? e.message) : String(e)}`;
  }
  if (lost === null) {
    rmSync(image);
    rmSync(progress);
  }
  return { seed, ...came, lost };
}

async function killRuns(
  folder: string,
  kills: number,
  seed: number,
  jobs: number,
): Promise<number> {
  let next = 0;
  let losses = 0;
  let operations = 0;
  const work = async (): Promise<void> => {
    while (next < kills) {
      const run = await tortureOnce(folder, seed + next++);
      operations += run.begun;
      if (run.lost !== null) losses += 1;
      say(`seed ${run.seed}: killed in operation ${run.begun}; ${run.lost ?? 'nothing lost'}`);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  say(`${kills} kills, ${operations} operations, ${losses} losses`);
  return losses;
}

/** One share of one kind of damage, in a process of its own. */
function damageShare(args: readonly (string | number)[]): Promise<DamageReport> {
  return new Promise((resolve, reject) => {
    const argv = [...process.execArgv, codeOf('damage-child'), ...args.map(String)];
    const worker = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    worker.stdout.on('data', (text: Buffer) => (said += text.toString()));
    worker.on('error', reject);
    worker.on('exit', (code) => {
      if (code === 0) resolve(JSON.parse(said) as DamageReport);
      else reject(new Error(`torture: ${args[0]}: the child ended with ${code}`));
    });
  });
}

/** Every kind of damage, at every stride-th place; how many were not survived. */
async function damageRuns(stride: number, seed: number, jobs: number): Promise<number> {
  if (stride === 0) return 0;
  let failed = 0;
  const shares = jobs * Math.ceil(SHARES / stride);
  for (const what of damageNames) {
    let next = 0;
    const reports: DamageReport[] = [];
    const work = async (): Promise<void> => {
      while (next < shares) reports.push(await damageShare([what, stride, seed, next++, shares]));
    };
    await Promise.all(Array.from({ length: jobs }, work));
    const failures = reports.flatMap((report) => report.failures);
    const sum = (of: 'images' | 'refused'): number => reports.reduce((n, r) => n + r[of], 0);
    for (const line of failures) say(`${what}: ${line}`);
    say(`${what}: ${sum('images')} images, ${sum('refused')} refused, ${failures.length} failures`);
    failed += failures.length;
  }
  return failed;
}

/** Workloads whose every power failure is tried; how much was lost. */
async function powerRuns(nr: number, seed: number, lines: number): Promise<number> {
  let lost = 0;
  for (let i = seed; i < seed + nr; i++) {
    const { flushes, whole, images, outcomes, losses } = await powerFailures(i, 24, lines);
    for (const line of losses) say(`seed ${i}: ${line}`);
    const seen = `${flushes} flushes, every subset of the lines at ${whole} of them`;
    say(`seed ${i}: ${seen}, ${images} images, ${outcomes} outcomes after a power failure`);
    lost += losses.length;
  }
  return lost;
}

async function run(options: Options): Promise<void> {
  const { kills, seed, jobs, powerFailures, lines, damage } = options;
  const folder = mkdtempSync(join(place, 'leasehold-torture-'));
  const losses =
    (await killRuns(folder, kills, seed, jobs)) +
    (await powerRuns(powerFailures, seed, lines)) +
    (await damageRuns(damage, seed, jobs));
  if (losses === 0) rmSync(folder, { recursive: true, force: true });
  else say(`the images that lost something are in ${folder}`);
  process.exitCode = losses === 0 ? 0 : 1;
}

export function addTorture(program: Command): void {
  program
    .command('torture')
    .description('kill machines at random instants and compare with what they had promised')
    .option('--kills <n>', 'processes to kill', wholeNumber, 100)
    .option('--seed <n>', 'of the first run; the next has the next one', wholeNumber, 1)
    .option('--jobs <n>', 'processes at a time', positive, 2)
    .option('--power-failures <n>', 'workloads whose every power failure is tried', wholeNumber, 4)
    .option(
      '--lines <n>',
      'lines of metadata at a flush of which every subset is tried',
      wholeNumber,
      12,
    )
    .option(
      '--damage <n>',
      'change every nth byte of a small image; 1: all, 0: none',
      wholeNumber,
      101,
    )
    .action(run);
}
