// Goal: fields that may be written to are put back, and those that may not are left alone and
// watched. Method: a class of this project, loaded with what open-fields.mjs says of it, and
// classes of the test, which say nothing or say it themselves.

import test from 'ava';
import * as fs from 'node:fs';
import { basename } from 'node:path';
import ts from 'typescript';
import { knownKeys, SavedFields } from '../../lib/explore/saved-fields.js';
import { RwSem, Scheduler } from '../../lib/sched/index.js';
import { openFields } from '../../scripts/open-fields.mjs';

function saved(object: object): SavedFields {
  const fields = new SavedFields();
  fields.add(object, object.constructor.name, knownKeys(object));
  return fields;
}

class Base {
  readonly id: number;
  n = 1;

  constructor(id: number) {
    this.id = id;
  }
}

class Derived extends Base {
  readonly label = 'x';
  extra = 2;
}

Object.assign(Base, { [Symbol.for('leasehold.readonly')]: ['id'] });
Object.assign(Derived, { [Symbol.for('leasehold.readonly')]: ['label'] });

/** Class -> its readonly fields, as the compiler sees them. */
function readonlyIn(source: ts.SourceFile, suffix: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const visit = (node: ts.Node): void => {
    if (ts.isClassDeclaration(node)) {
      const has = (m: ts.PropertyDeclaration, kind: ts.SyntaxKind): boolean =>
        m.modifiers?.some((modifier) => modifier.kind === kind) === true;
      const fields = node.members
        .filter((m) => ts.isPropertyDeclaration(m))
        .filter((m) => has(m, ts.SyntaxKind.ReadonlyKeyword))
        .filter((m) => !has(m, ts.SyntaxKind.StaticKeyword))
        .map(({ name }) => name.getText(source))
        .map((name) => (name.startsWith('#') ? `$${name.slice(1)}_${suffix}` : name));
      if (fields.length > 0) found.set(node.name!.text, fields.sort());
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

test('what a class names as readonly is what the compiler holds everybody to', (t) => {
  let nrClasses = 0;
  const inFolder = (folder: string): string[] =>
    fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((f) => `${folder}/${f}`);
  const paths = ['lib', 'drivers'].flatMap(inFolder).filter((f) => /(?<!\.d)\.ts$/.test(f));
  for (const path of paths) {
    const text = fs.readFileSync(path, 'utf8');
    const source = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
    const named = openFields(text, path).matchAll(
      /^\} (\w+)\[Symbol\.for\('leasehold\.readonly'\)\] = (\[.*?\]);/gm,
    );
    const told = Array.from(named, ([, name, fields]): [string, string[]] => [
      name!,
      (JSON.parse(fields!) as string[]).sort(),
    ]);
    const seen = readonlyIn(source, basename(path).replace(/\W+/g, '_'));
    t.deepEqual(new Map(told), seen, path);
    nrClasses += seen.size;
  }
  t.true(nrClasses > 200);
});

test('every class of the project names its readonly fields when it is loaded', (t) => {
  const names = (RwSem as unknown as Record<symbol, string[]>)[Symbol.for('leasehold.readonly')]!;
  t.true(names.includes('sched'));
  t.true(names.some((name) => name.startsWith('$queue')));
  t.false(names.some((name) => name.startsWith('$writer')));
});

test('fields come back; readonly ones, also of a base class, are only watched', (t) => {
  const object = new Derived(7);
  const fields = saved(object);
  object.n = 5;
  object.extra = 6;
  fields.restore();
  t.deepEqual({ ...object }, { id: 7, n: 1, label: 'x', extra: 2 });
  t.deepEqual(fields.strayFields(), []);
  Object.assign(object, { id: 8, label: 'y', n: 9 });
  fields.restore();
  t.deepEqual({ ...object }, { id: 8, n: 1, label: 'y', extra: 2 });
  t.deepEqual(fields.strayFields().sort(), ['Derived.id (readonly)', 'Derived.label (readonly)']);
});

test('a class that names none has all of its fields put back', (t) => {
  class Plain {
    readonly id: number = 1;
    n = 1;
  }
  const object = new Plain();
  const fields = saved(object);
  Object.assign(object, { id: 2, n: 2 });
  fields.restore();
  t.deepEqual({ ...object }, { id: 1, n: 1 });
});

test('a lock that a run left held is free again', async (t) => {
  const sched = new Scheduler({ mode: 'live' });
  const sem = new RwSem(sched, 'sem');
  const fields = saved(sem);
  await sched.enter('holder', async (task) => {
    t.true(sem.tryDownWrite(task));
    t.true(sem.isLockedBy(task));
    fields.restore();
    t.false(sem.isLockedBy(task));
    task.held.length = 0;
  });
});

test('literals: fields, new ones go, deleted ones return; a frozen one is not touched', (t) => {
  const object: Record<string, number> = { a: 1, b: 2 };
  const fields = saved(object);
  delete object['a'];
  object['c'] = 3;
  object['b'] = 4;
  fields.restore();
  t.deepEqual(object, { b: 2, a: 1 });
  t.notThrows(() => saved(Object.freeze({ a: 1 })).restore());
});
