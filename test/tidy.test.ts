// Goal: the house keeps its shape. Method: read every source file and hold it to the style's rules.
//
// The rooms, from the bottom up, stand in `rank`; a file may import its own room and lower ones.

import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import test from 'ava';
import ts from 'typescript';
import { root } from './support/root.js';
import {
  functionLengths,
  importsOf,
  parse,
  sourceFiles,
  type SourceFile,
} from './support/source-tree.js';

const product = sourceFiles(['lib', 'drivers'], ['.ts']);
const tests = sourceFiles(['test'], ['.ts']);
const native = sourceFiles(['native'], ['.cc', '.h']);
const everything = [...product, ...tests, ...native];

const rank: Record<string, number> = {
  base: 0,
  shared: 0,
  sched: 1,
  trace: 1,
  mm: 2,
  lease: 3,
  fs: 4,
  policy: 4,
  process: 4,
  driver: 4,
  drivers: 5,
  referee: 5,
  machine: 6,
  lab: 7,
  explore: 7,
  conformance: 7,
  bench: 8,
  cli: 9,
};

/** Rooms of equal height that may see each other; all other pairs of equals may not. */
const neighbours = new Set([
  'shared base',
  'base shared',
  'sched trace',
  'trace sched',
  'lab explore',
  'explore lab',
]);

/** Rooms below their rank that a room may nevertheless not see. */
const closed = new Set(['machine cli']);

function roomOf(path: string): string {
  const parts = path.split('/');
  if (parts[0] === 'drivers') return 'drivers';
  if (parts.length === 2) return parts[1]!.startsWith('machine') ? 'machine' : fileRoom(parts[1]!);
  return parts[1]!;
}

function fileRoom(name: string): string {
  if (name === 'index.ts') return 'cli'; // the package's door sees every room
  if (name === 'ava.ts') return 'cli';
  return 'base';
}

function resolved(file: SourceFile, specifier: string): string {
  return posix.normalize(posix.join(posix.dirname(file.path), specifier)).replace(/\.js$/, '.ts');
}

const kebabNoun = /^[a-z0-9-]+(\.(test|types|slow\.test|machine\.test))?\.ts$/;

/** Prettier keeps what follows a test's title on the line of the title, however long that is. */
const afterTitle = /^(\s*test(?:\.serial)?\(.*['"`]), (?:async )?\(t\) =>(?: \{)?$/;

const list = (found: readonly string[]) => (found.length > 0 ? `\n${found.join('\n')}` : '');

test('imports go down the house and never up', (t) => {
  const wrong: string[] = [];
  for (const file of product) {
    const from = roomOf(file.path);
    for (const specifier of importsOf(file)) {
      if (!specifier.startsWith('.')) continue;
      const target = resolved(file, specifier);
      const to = roomOf(target);
      const a = rank[from];
      const b = rank[to];
      const fine =
        from === to ||
        (a !== undefined && b !== undefined && b < a && !closed.has(`${from} ${to}`)) ||
        neighbours.has(`${from} ${to}`);
      if (!fine) wrong.push(`${file.path} (${from}) imports ${target} (${to})`);
    }
  }
  t.is(list(wrong), '');
});

test('a driver imports lib/driver/index.ts and its own folder, and no other room', (t) => {
  const wrong: string[] = [];
  for (const file of product.filter((f) => f.path.startsWith('drivers/'))) {
    const folder = file.path.split('/').slice(0, 2).join('/');
    for (const specifier of importsOf(file)) {
      if (!specifier.startsWith('.')) continue;
      const target = resolved(file, specifier);
      if (target !== 'lib/driver/index.ts' && !target.startsWith(`${folder}/`)) {
        wrong.push(`${file.path} imports ${target}`);
      }
    }
  }
  t.is(list(wrong), '');
});

test('only lib/native.ts loads the addon', (t) => {
  const wrong = product
    .filter((f) => f.path !== 'lib/native.ts' && /createRequire|\.node['"]/.test(f.text))
    .map((f) => f.path);
  t.is(list(wrong), '');
});

test('every file opens with a sentence', (t) => {
  const wrong = everything
    .filter((f) => !/^(#!.*\n)?\/\/ \S.{15,}/.test(f.text))
    .map((f) => f.path);
  t.is(list(wrong), '');
});

test('files have at most 400 lines', (t) => {
  const wrong = [...product, ...native]
    .map((f) => ({ path: f.path, lines: f.text.split('\n').length - 1 }))
    .filter((f) => f.lines > 400)
    .map((f) => `${f.path}: ${f.lines}`);
  t.is(list(wrong), '');
});

test('functions have at most 70 lines', (t) => {
  const wrong: string[] = [];
  for (const file of product) {
    for (const f of functionLengths(file)) {
      if (f.lines > 70) wrong.push(`${file.path}: ${f.name}: ${f.lines}`);
    }
  }
  t.is(list(wrong), '');
});

test('lines have at most 100 columns', (t) => {
  const wrong: string[] = [];
  for (const file of everything) {
    file.text.split('\n').forEach((line, i) => {
      if ([...line.replace(afterTitle, '$1')].length > 100) wrong.push(`${file.path}:${i + 1}`);
    });
  }
  t.is(list(wrong), '');
});

test('files are kebab-case nouns', (t) => {
  const wrong = [...product, ...tests]
    .map((f) => f.path)
    .filter((p) => !kebabNoun.test(posix.basename(p)));
  t.is(list(wrong), '');
});

test('nothing is typed any, and no default export but a driver module', (t) => {
  const wrong: string[] = [];
  for (const file of product) {
    const tree = parse(file);
    const visit = (node: ts.Node): void => {
      if (node.kind === ts.SyntaxKind.AnyKeyword) wrong.push(`${file.path}: any`);
      if (ts.isExportAssignment(node) && !/^drivers\/[^/]+\/index\.ts$/.test(file.path)) {
        wrong.push(`${file.path}: default export`);
      }
      if (ts.isEnumDeclaration(node)) wrong.push(`${file.path}: enum`);
      ts.forEachChild(node, visit);
    };
    visit(tree);
  }
  t.is(list(wrong), '');
});

test('clock and chance live in lib/sched', (t) => {
  const forbidden =
    /\b(Date\.now|performance\.now|hrtime|setTimeout|setInterval|setImmediate|Math\.random)\b/;
  const wrong: string[] = [];
  for (const file of product) {
    if (/^lib\/(sched|cli|bench)\//.test(file.path)) continue;
    file.text.split('\n').forEach((line, i) => {
      if (forbidden.test(line) && !/^\s*(\/\/|\*)/.test(line)) wrong.push(`${file.path}:${i + 1}`);
    });
  }
  t.is(list(wrong), '');
});

test('no code compares kernel versions', (t) => {
  const wrong = product
    .filter((f) => /(===|!==|<|>)\s*'(6\.1|6\.12|7\.2)'/.test(f.text))
    .map((f) => f.path);
  t.is(list(wrong), '');
});

test('nothing in the emulator looks at a case id', (t) => {
  const wrong = product
    .filter((f) => !f.path.startsWith('lib/conformance/') && !f.path.startsWith('lib/cli/'))
    .filter((f) => /['"`](daxpin|pincache|fuzz-\w+|rereg|traffic|odp)\//.test(f.text))
    .map((f) => f.path);
  t.is(list(wrong), '');
});

test('nothing is left to do in shipped code', (t) => {
  const words = new RegExp(
    `\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK'].join('|')})\\b`,
  );
  const wrong = [...product, ...native].filter((f) => words.test(f.text)).map((f) => f.path);
  t.is(list(wrong), '');
});

test('every file of a room has its test', (t) => {
  const wrong: string[] = [];
  for (const { path, text } of product) {
    const parts = path.split('/');
    if (parts[0] === 'lib' && parts.length < 3) continue;
    if (/\/(index|types)\.ts$/.test(path) || !hasCode(path, text)) continue;
    const mirror = path.replace(/^lib\//, 'test/').replace(/^drivers\//, 'test/drivers/');
    const one = mirror.replace(/\.ts$/, '.test.ts');
    if (!existsSync(join(root, one))) wrong.push(`${path}: no ${one}`);
  }
  t.is(list(wrong), '');
});

/** What makes a machine, and what then shows that nothing was left on it, for each of them. */
const balances: readonly (readonly [makes: RegExp, shows: RegExp])[] = [
  [/\bbootMachine\(/g, /\b(assertMachineBalanced|balancedMachine|endsBalanced|onMachine)\(/g],
  [/\bsmallMachine\(/g, /\b(assertMachineBalanced|endsBalanced)\(/g],
  [/\bbootWorld\(/g, /\b(withWorld|assertMachineBalanced)\(/g],
  [/\bnew FsMachine\(/g, /\.end\(t\)|^ *device\.close\(\)/gm], // or its device is taken away
];

/** It boots in a process of its own, from a text. */
const bootsElsewhere = 'test/package.test.ts';

test('a test that boots a machine shows that its balance is zero at the end', (t) => {
  const wrong: string[] = [];
  for (const { path, text } of tests) {
    if (!path.endsWith('.test.ts') || path === bootsElsewhere) continue;
    for (const [makes, shows] of balances) {
      const [made, shown] = [makes, shows].map((what) => text.match(what)?.length ?? 0);
      if (made! > shown!) wrong.push(`${path}: ${makes.source}: ${made}, balanced ${shown}`);
    }
  }
  t.is(list(wrong), '');
});

/** A forked process, which is no test, has this fixture too: link.test.ts watches what it makes. */
const forked = 'test/support/rdma-linked.ts';

test('every fixture that makes the memory of a machine has it looked at, at the end of the file', (t) => {
  const wrong = tests
    .filter(({ path }) => !path.endsWith('.test.ts') && path !== forked)
    .filter(({ text }) => /\b(newMMEnv|bootMachine)\(/.test(text))
    .filter(({ text }) => !/\b(watchBalance|assertMachineBalanced)\(/.test(text))
    .map(({ path }) => path);
  t.is(list(wrong), '');
});

test('no test passes without asserting anything', (t) => {
  const wrong = tests.filter(({ text }) => /\bt\.pass\(/.test(text)).map(({ path }) => path);
  t.is(list(wrong), '');
});

/** Types alone need no test of their own. */
function hasCode(path: string, text: string): boolean {
  const tree = parse({ path, text });
  return tree.statements.some(
    (s) =>
      !ts.isInterfaceDeclaration(s) &&
      !ts.isTypeAliasDeclaration(s) &&
      !ts.isImportDeclaration(s) &&
      !ts.isExportDeclaration(s),
  );
}
