// Goal: the command's exit status is 0 only when everything agrees, its JSON has exactly the fields
// of the contract, and nothing makes it hang. Method: the command's own function with its output
// caught; case files made for the purpose.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import test, { type ExecutionContext } from 'ava';
import {
  addConformance,
  runConformance,
  type ConformanceOptions,
} from '../../lib/cli/conformance-command.js';
import type { Report } from '../../lib/conformance/report.js';

const good = {
  id: 'small/pd',
  title: 'a domain',
  steps: [{ op: 'pd', as: 'pd' }],
  linux: { '6.1': ['ok'], '6.12': ['ok'], '7.2': ['ok'] },
};
const wrong = { ...good, id: 'small/wrong', linux: { '6.1': ['EPERM'], '6.12': ['EPERM'] } };
const unbuilt = { ...good, id: 'small/new', steps: [{ op: 'teleport' }] };
const hanging = {
  id: 'small/hang',
  steps: [
    { op: 'lease_break_time', s: 0 },
    { op: 'open', on: 'ext4', name: 'f', as: 'w' },
    { op: 'close', fd: 'w' },
    { op: 'open', on: 'ext4', name: 'f', flags: ['rdonly'], as: 'f' },
    { op: 'lease', fd: 'f', type: 'rd' },
    { op: 'open', on: 'ext4', name: 'f', flags: ['rdwr'], by: 'B' },
  ],
  linux: { '6.12': ['ok', 'ok', 'ok', 'ok', 'ok', 'ok'] },
};

/** A folder with case files, gone after the test. */
function folder(t: ExecutionContext, files: Readonly<Record<string, unknown>>): string {
  const path = mkdtempSync(join(tmpdir(), 'leasehold-cases-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  for (const [name, value] of Object.entries(files)) {
    writeFileSync(join(path, name), typeof value === 'string' ? value : JSON.stringify(value));
  }
  return path;
}

interface Run {
  readonly status: number;
  readonly text: string;
  readonly progress: readonly string[];
}

async function run(
  files: readonly string[],
  options: Partial<ConformanceOptions> = {},
): Promise<Run> {
  const lines: string[] = [];
  const progress: string[] = [];
  const out = {
    line: (text: string) => void lines.push(text),
    progress: (text: string) => void progress.push(text),
  };
  const all = { kernel: '6.12', area: [], case: [], ...options } as const;
  const status = await runConformance(files, all, out);
  return { status, text: lines.join('\n'), progress };
}

const json = async (files: readonly string[], options: Partial<ConformanceOptions> = {}) => {
  const { status, text } = await run(files, { ...options, json: true });
  return { status, report: JSON.parse(text) as Report };
};

test('everything agrees: status 0', async (t) => {
  const { status, text, progress } = await run([folder(t, { 'small.json': [good] })]);
  t.is(status, 0);
  t.regex(text, /^small +1\/1 cases +1\/1 steps$/m);
  t.deepEqual(progress, ['1/1 cases', '']);
});

test('one answer differs: status 1, and the difference is named', async (t) => {
  const { status, text } = await run([folder(t, { 'small.json': [good, wrong] })]);
  t.is(status, 1);
  t.regex(text, /small\/wrong step 0 pd: Linux EPERM, Leasehold ok/);
});

test('the object has exactly the fields of the contract', async (t) => {
  const { status, report } = await json([folder(t, { 'small.json': [good, wrong, unbuilt] })]);
  t.is(status, 1);
  t.deepEqual(report, {
    kernel: '6.12',
    cases: 3,
    agree: 1,
    steps: 3,
    stepsAgree: 1,
    differ: [
      { id: 'small/wrong', step: 0, op: 'pd', linux: 'EPERM', ours: 'ok' },
      { id: 'small/new', step: 0, op: 'teleport', linux: 'ok', ours: 'unsupported' },
    ],
    unsupported: [{ id: 'small/new', op: 'teleport' }],
  });
});

test('a case that would hang is a difference, and the next one is replayed', async (t) => {
  const { status, report } = await json([folder(t, { 'small.json': [hanging, good] })]);
  t.is(status, 1);
  t.is(report.agree, 1);
  t.deepEqual(report.differ, [
    { id: 'small/hang', step: 5, op: 'open', linux: 'ok', ours: 'HUNG' },
  ]);
});

test('a kernel without an answer to a step is no agreement', async (t) => {
  const { status, report } = await json([folder(t, { 's.json': [wrong] })], { kernel: '7.2' });
  t.is(status, 1);
  t.is(report.differ[0]?.linux, 'not recorded');
});

test('files and folders may be named, areas and cases chosen', async (t) => {
  const where = folder(t, { 'a.json': [good], 'b.json': [{ ...good, id: 'b/pd' }], 'c.txt': '!' });
  const cases = async (files: readonly string[], options: Partial<ConformanceOptions> = {}) =>
    (await json(files, options)).report.cases;
  t.is(await cases([where]), 2);
  t.is(await cases([join(where, 'a.json')]), 1);
  t.is(await cases([join(where, 'a.json'), where]), 3);
  t.is(await cases([where], { area: ['a'] }), 1);
  t.is(await cases([where], { area: ['a', 'b'] }), 2);
  t.is(await cases([where], { case: ['b/pd'] }), 1);
});

test('without files the cases that ship are replayed', async (t) => {
  const { status, report } = await json([], { area: ['exit', 'account'] });
  t.is(status, 0);
  t.is(report.cases, 9);
});

const refused = [
  ['nothing selected', [good], { area: ['bogus'] }, 'ENOENT', /no case is selected/],
  ['a file that is no JSON', '{', {}, 'EINVAL', /bad\.json: not JSON/],
  [
    'a step that is no object',
    [{ ...good, steps: [1] }],
    {},
    'EINVAL',
    /bad\.json: case small\/pd: step 0/,
  ],
  [
    'an argument of the wrong kind',
    [{ ...good, steps: [{ op: 'close', fd: 1 }] }],
    {},
    'EINVAL',
    /step 0: fd/,
  ],
] as const;

for (const [what, content, options, code, message] of refused) {
  test(`${what} is ${code}, before anything is replayed`, async (t) => {
    const where = folder(t, { 'bad.json': content });
    await t.throwsAsync(run([where], options), { code, message });
  });
}

test('a file that is not there is ENOENT', async (t) => {
  await t.throwsAsync(run(['/no/such/file.json']), { code: 'ENOENT', message: /file\.json/ });
});

test('areas are split at commas, kernels are those that were recorded', (t) => {
  const program = new Command().exitOverride();
  addConformance(program);
  const command = program.commands[0]!.exitOverride().configureOutput({ writeErr: () => {} });
  command.action(() => {});
  command.parse(['--area', 'a,b', '--area', 'c', '--case', 'x/1', '--json'], { from: 'user' });
  t.deepEqual(command.opts(), { kernel: '6.12', area: ['a', 'b', 'c'], case: ['x/1'], json: true });
  t.throws(() => command.parse(['--kernel', '2.6'], { from: 'user' }), { message: /2\.6/ });
});
