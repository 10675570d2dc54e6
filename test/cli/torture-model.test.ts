// Goal: the model takes every state that was promised or possible, and no other.

import test from 'ava';
import { modelAt, TortureModel, workload, type Op } from '../../lib/cli/torture-model.js';

const of = (value: number, len: number) => new Uint8Array(len).fill(value);

function after(ops: readonly Op[], storesSurvive = true): TortureModel {
  const model = new TortureModel({ storesSurvive });
  for (const op of ops) {
    model.begin(op);
    model.end(op);
  }
  return model;
}

const create: Op = { op: 'create', name: '/a' };
const write = (byte: number): Op => ({ op: 'write', name: '/a', pos: 0, len: 10, byte });
const fsync: Op = { op: 'fsync', name: '/a' };

test('before a sync every state since the last one is fine, and bytes of any of them', (t) => {
  const model = after([create, write(1), write(2)]);
  t.is(model.check(new Map()), null);
  t.is(model.check(new Map([['/a', new Uint8Array()]])), null);
  t.is(model.check(new Map([['/a', Uint8Array.of(1, 2, 2, 0, 1, 1, 1, 1, 1, 1)]])), null);
});

test('what was synced must be there', (t) => {
  const model = after([create, write(1), fsync]);
  t.is(model.check(new Map([['/a', of(1, 10)]])), null);
  t.regex(model.check(new Map()) ?? '', /never like this/);
  t.regex(model.check(new Map([['/a', of(0, 10)]])) ?? '', /byte 0 is 0, never written/);
  t.regex(model.check(new Map([['/a', of(1, 9)]])) ?? '', /never like this/);
});

test('names that never stood together are refused', (t) => {
  const model = after([create, fsync, { op: 'rename', name: '/a', to: '/b' }]);
  const empty = new Uint8Array();
  t.is(model.check(new Map([['/a', empty]])), null);
  t.is(model.check(new Map([['/b', empty]])), null);
  t.not(
    model.check(
      new Map([
        ['/a', empty],
        ['/b', empty],
      ]),
    ),
    null,
  );
});

test('a seed is a workload', (t) => {
  const first = (seed: number): string => {
    const model = new TortureModel({ storesSurvive: true });
    const ops: Op[] = [];
    for (const op of workload(seed, model)) {
      model.begin(op);
      model.end(op);
      if (ops.push(op) === 50) break;
    }
    return JSON.stringify(ops);
  };
  t.is(first(5), first(5));
  t.not(first(5), first(6));
});

test('a model as far as a workload came is that of whoever played so far', (t) => {
  const options = { storesSurvive: false };
  t.deepEqual(modelAt(5, { begun: 0, ended: 0 }, options).names, []);
  const played = new TortureModel(options);
  let n = 0;
  for (const op of workload(5, played)) {
    if (n++ === 40) break;
    played.begin(op);
    played.end(op);
  }
  const model = modelAt(5, { begun: 40, ended: 40 }, options);
  t.deepEqual([...model.names].sort(), [...played.names].sort());
  for (const name of played.names) t.deepEqual(model.content(name), played.content(name));
});
