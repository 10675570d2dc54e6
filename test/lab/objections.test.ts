// Goal: what is said of a policy comes from its verdicts.

import { readFileSync } from 'node:fs';
import test from 'ava';
import { answered } from '../../lib/lab/objections.js';
import { policyIds } from '../../lib/policy/index.js';
import { verdict } from './verdict-fixture.js';

test('every policy has an objection besides the summary', (t) => {
  for (const policy of policyIds)
    t.true(answered(policy, [verdict({ policy })]).length >= 2, policy);
});

test('numbers change with the cells', (t) => {
  const hung = verdict({ verdict: 'hung', outcome: { end: 'hung', tookNs: 1, steps: 0 } });
  t.regex(answered('wait', [verdict({})])[0]!.shown, /^0 of 1 cells with pins hung/);
  const [chinner] = answered('wait', [verdict({}), hung]);
  t.regex(chinner!.shown, /^1 of 2 cells with pins hung \(rdma-pinned/);
});

test('a policy without measured cells says nothing', (t) => {
  t.deepEqual(answered('wait', [verdict({ na: 'no' })]), []);
});

test('what fsync left on the device is told of cells of fsync alone', (t) => {
  const synced = verdict({ operation: 'fsync', tornPages: 1, latePages: 2 });
  const [, hubbard] = answered('linux', [verdict({ tornPages: 1 }), synced]);
  t.regex(hubbard!.shown, /^1 of 1 cells of fsync had a mixture on the device \(.*fsync\)/);
  t.regex(hubbard!.shown, /1 of 1 cells of fsync left late stores/);
  t.is(answered('linux', [verdict({})])[1]!.shown, 'None of these cells asks that.');
});

test('what reclaim did is summed', (t) => {
  const reclaim = { scanned: 9, reclaimed: 1, activated: 2, written: 1, kept: 5 };
  const cells = [verdict({ operation: 'reclaim', reclaim }), verdict({})];
  const [piggin] = answered('hold-unmap', cells);
  t.is(piggin!.shown, 'Reclaim left 5 pages alone, and unmapped 2 in vain.');
});

test('what is said of exit is told of cells that exit, and had pins to lose', (t) => {
  const first = 'lease' as const;
  const cells = [
    verdict({ operation: 'exit', first }),
    verdict({ behaviour: 'exits-data-first', first: 'pins' }),
    verdict({ verdict: 'hung' }),
    verdict({ operation: 'exit', driver: 'rdma-on-demand', first }),
    verdict({ operation: 'exit', driver: 'device-dax', first }),
    verdict({ operation: 'exit', pin: 'EPERM', first }),
  ];
  const [deadlock, blocks] = answered('lease-required', cells);
  t.is(deadlock!.shown, '0 of 2 cells that exit hung.');
  t.regex(blocks!.shown, /1 of 2 cells that exit saw a lease end before the pins did/);
});

test('a server that gives its client two lease periods is no policy’s slowness', (t) => {
  const tookNs = 180e9;
  const recalled = verdict({ driver: 'pnfs', outcome: { end: 'ok', tookNs, steps: 1 } });
  const inShort = answered('revoke', [recalled, verdict({})]).at(-1)!;
  t.regex(inShort.shown, /Those that ended did so at once/);
});

test('what no verdict tells is said to be so', (t) => {
  const [, network] = answered('odp', [verdict({})]);
  t.is(network!.shown, 'The matrix cannot tell: its time is virtual.');
});

test('whoever objects is named in the header of the policy', (t) => {
  const nobody = ['the matrix', 'truncate(2)', 'hung task detectors', 'everybody'];
  for (const policy of policyIds) {
    const file = new URL(`../../lib/policy/${policy.split(':')[0]}.ts`, import.meta.url);
    const [header] = readFileSync(file, 'utf8').split('\n\n');
    const words = header!.replaceAll(/\s*\n\/\/\s*/g, ' ');
    for (const { who } of answered(policy, [verdict({ policy })])) {
      if (nobody.includes(who)) continue;
      const [name, year] = who.split(', ');
      t.true(words.includes(name!), `${policy}: ${name}`);
      t.regex(year!, /^20(1[789]|2\d)$/);
    }
  }
});
