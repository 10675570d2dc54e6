// Goal: a case file is refused whole, before anything runs, by an error that says where it is
// wrong.

import { fileURLToPath } from 'node:url';
import test from 'ava';
import { loadCases, parseCases } from '../../lib/conformance/case.js';

const good = {
  id: 'reg/x',
  title: 't',
  steps: [{ op: 'pd', as: 'pd' }],
  linux: { '6.1': ['ok'], '6.12': ['ok'], '7.2': ['ok'] },
};

const file = (value: unknown) => JSON.stringify(value);
const step = (s: unknown) => file([{ ...good, steps: [s] }]);

test('a good file gives its cases, with the file name as their area', (t) => {
  const [c] = parseCases('some/folder/reg.json', file([good]));
  t.is(c?.id, 'reg/x');
  t.is(c?.area, 'reg');
  t.is(c?.steps.length, 1);
});

const malformed: readonly [what: string, text: string, says: RegExp][] = [
  ['no JSON', '{', /a\.json: not JSON/],
  ['no array', '{}', /a\.json: file: not an array/],
  ['a case that is no object', '[1]', /a\.json: case 0: not an object/],
  ['a case without id', file([{ ...good, id: undefined }]), /case 0: id is missing/],
  ['steps that are no array', file([{ ...good, steps: 1 }]), /case reg\/x: steps is not an array/],
  ['an unknown kernel', file([{ ...good, linux: { '2.6': ['ok'] } }]), /unknown kernel '2\.6'/],
  ['too few answers', file([{ ...good, linux: { '6.1': [] } }]), /0 answers to 1 steps/],
  ['answers of another type', file([{ ...good, linux: { '6.1': [null] } }]), /not an array of/],
  ['a step that is no object', step('pd'), /case reg\/x: step 0: not an object/],
  ['a step without op', step({ as: 'x' }), /step 0: op is missing/],
  [
    'an argument nobody knows',
    step({ op: 'pd', colour: 1 }),
    /step 0: pd has no argument 'colour'/,
  ],
  ['an argument of another type', step({ op: 'close', fd: 3 }), /step 0: fd: 3 is not a name/],
  ['an argument left out', step({ op: 'close' }), /step 0: close lacks 'fd'/],
  ['a byte that is none', step({ op: 'write', fd: 'f', off: 0, byte: 'x', len: 1 }), /not a byte/],
  ['a negative length', step({ op: 'read', fd: 'f', off: 0, len: -1 }), /len: -1 is not a len/],
];

for (const [what, text, says] of malformed) {
  test(`${what} is EINVAL naming the place`, (t) => {
    const e = t.throws(() => parseCases('a.json', text), { code: 'EINVAL', message: says });
    t.regex(e?.message ?? '', /a\.json/);
  });
}

test('an operation nobody knows is left for the replay to report', (t) => {
  t.is(parseCases('a.json', step({ op: 'teleport' }))[0]?.steps[0]?.op, 'teleport');
});

test('a missing folder is ENOENT', (t) => {
  t.throws(() => loadCases(['no/such/place']), { code: 'ENOENT' });
});

test('the cases that ship are 644, each with the answers of three kernels', (t) => {
  const cases = loadCases([fileURLToPath(new URL('cases', import.meta.url))]);
  t.is(cases.length, 644);
  t.true(cases.every((c) => Object.keys(c.linux).length === 3));
  t.is(new Set(cases.map((c) => c.id)).size, 644);
});

test('a number that no call could take is a case nevertheless', (t) => {
  const steps = [{ op: 'truncate', fd: 'f', len: 2 ** 62 }];
  const [made] = parseCases('test.json', JSON.stringify([{ id: 'huge', steps, linux: {} }]));
  t.is(made!.steps[0]!['len'], 2 ** 62);
});
