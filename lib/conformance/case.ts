// A recorded case: steps that an application took, and what three real kernels answered to each.
//
// parseCases checks a file whole before anything runs: a malformed one is EINVAL naming the file,
// the case and the step.

import { readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Errno } from '../errno.js';
import { kernelNames, type KernelName } from '../kernel-rules.js';
import { opArgs, type ArgKind } from './op-args.js';

/** One operation of a case. Arguments are bytes, milliseconds and names, as op-args lists them. */
export interface Step {
  readonly op: string;
  readonly as?: string;
  readonly by?: string;
  readonly bg?: boolean;
  readonly [argument: string]: unknown;
}

export type Answer = string | number;

export interface Case {
  readonly id: string;
  readonly title: string;
  /** The file's name without ending: reg, daxpin, fuzz-lease. */
  readonly area: string;
  readonly steps: readonly Step[];
  readonly linux: { readonly [K in KernelName]?: readonly Answer[] };
}

function bad(file: string, where: string, what: string): never {
  throw new Errno('EINVAL', `conformance: ${file}: ${where}: ${what}`);
}

const isRecord = (v: unknown): v is Record<string, unknown> =>
  typeof v === 'object' && v !== null && !Array.isArray(v);

const isAnswer = (v: unknown): v is Answer => typeof v === 'string' || typeof v === 'number';

/** Any integer: what is too big for the call is for the call to refuse. */
const isInteger = (v: unknown) => typeof v === 'number' && Number.isInteger(v);

const fits: Record<ArgKind, (v: unknown) => boolean> = {
  bool: (v) => typeof v === 'boolean',
  byte: (v) => typeof v === 'string' && /^[0-9a-f]{2}$/.test(v),
  int: isInteger,
  len: (v) => isInteger(v) && (v as number) >= 0,
  name: (v) => typeof v === 'string' && v.length > 0,
  names: (v) => Array.isArray(v) && v.every((x) => typeof x === 'string' || isInteger(x)),
  text: (v) => typeof v === 'string',
};

const common: Record<string, ArgKind> = { as: 'name', by: 'name', bg: 'bool', op: 'name' };

function checkStep(file: string, id: string, index: number, step: unknown): Step {
  const where = `case ${id}: step ${index}`;
  if (!isRecord(step)) bad(file, where, 'not an object');
  if (typeof step['op'] !== 'string') bad(file, where, 'op is missing');
  const args = opArgs[step['op']];
  if (!args) return step as unknown as Step; // reported as unsupported when it runs
  for (const [key, value] of Object.entries(step)) {
    const kind = common[key] ?? args[key] ?? args[`${key}?`];
    if (!kind) bad(file, where, `${step['op']} has no argument '${key}'`);
    if (!fits[kind](value)) bad(file, where, `${key}: ${JSON.stringify(value)} is not a ${kind}`);
  }
  for (const key of Object.keys(args)) {
    if (!key.endsWith('?') && !(key in step)) bad(file, where, `${step['op']} lacks '${key}'`);
  }
  return step as unknown as Step;
}

function checkCase(file: string, area: string, index: number, value: unknown): Case {
  if (!isRecord(value)) bad(file, `case ${index}`, 'not an object');
  const { id, title, steps, linux } = value;
  if (typeof id !== 'string' || id === '') bad(file, `case ${index}`, 'id is missing');
  if (!Array.isArray(steps)) bad(file, `case ${id}`, 'steps is not an array');
  if (!isRecord(linux)) bad(file, `case ${id}`, 'linux is not an object');
  const answers: { [K in KernelName]?: Answer[] } = {};
  for (const [kernel, results] of Object.entries(linux)) {
    const name = kernelNames.find((k) => k === kernel);
    if (!name) bad(file, `case ${id}`, `linux: unknown kernel '${kernel}'`);
    if (!Array.isArray(results) || !results.every(isAnswer)) {
      bad(file, `case ${id}`, `linux ${kernel}: not an array of answers`);
    }
    if (results.length !== steps.length) {
      bad(
        file,
        `case ${id}`,
        `linux ${kernel}: ${results.length} answers to ${steps.length} steps`,
      );
    }
    answers[name] = results;
  }
  return {
    id,
    title: typeof title === 'string' ? title : '',
    area,
    steps: steps.map((s, i) => checkStep(file, id, i, s)),
    linux: answers,
  };
}

/** The cases in the text of one file. EINVAL names the file, the case and the step at fault. */
export function parseCases(file: string, text: string): Case[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Errno('EINVAL', `conformance: ${file}: not JSON: ${(cause as Error).message}`);
  }
  if (!Array.isArray(value)) bad(file, 'file', 'not an array of cases');
  const area = basename(file).replace(/\.json$/, '');
  return value.map((c, i) => checkCase(file, area, i, c));
}

/** The cases of files and folders, in the order given; a folder means its *.json files. */
export function loadCases(paths: readonly string[]): Case[] {
  const files = paths.flatMap((path) => {
    if (!statSync(path, { throwIfNoEntry: false })) {
      throw new Errno('ENOENT', `conformance: no such file or folder: ${path}`);
    }
    if (!statSync(path).isDirectory()) return [path];
    return readdirSync(path)
      .filter((name) => name.endsWith('.json'))
      .sort()
      .map((name) => join(path, name));
  });
  return files.flatMap((file) => parseCases(file, textOf(file)));
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new Errno('EIO', `conformance: ${file}: ${(cause as Error).message}`, { cause });
  }
}
