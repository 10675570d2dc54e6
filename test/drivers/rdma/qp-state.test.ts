// Goal: the state table of a queue pair, every edge and every attribute of it.

import test from 'ava';
import {
  checkStep,
  type QPAttr,
  type QPState,
  qpStates,
  requiredAttrs,
} from '../../../drivers/rdma/qp-state.js';

const values = {
  pkeyIndex: 0,
  portNum: 1,
  qpAccessFlags: 1,
  qkey: 1,
  ahAttr: { dgid: 'fe80::1' },
  pathMtu: 1024,
  destQPNum: 17,
  rqPsn: 0,
  sqPsn: 0,
  maxDestRdAtomic: 1,
  maxRdAtomic: 1,
  minRnrTimer: 12,
  timeout: 14,
  retryCnt: 7,
  rnrRetry: 7,
} as const;

/** The step with exactly the attributes it needs. */
function needed(from: QPState, to: QPState, type: 'RC' | 'UC' | 'UD'): QPAttr {
  const names = requiredAttrs(from, to, type);
  return {
    qpState: to,
    ...Object.fromEntries(names.map((n) => [n, values[n as keyof typeof values]])),
  };
}

const edges: readonly string[] = [
  'RESET INIT',
  'INIT INIT',
  'INIT RTR',
  'RTR RTS',
  'RTS RTS',
  'RTS SQD',
  'SQD RTS',
  'SQD SQD',
  'SQE RTS',
];

for (const type of ['RC', 'UC', 'UD'] as const) {
  test(`${type}: exactly the edges of the table, and RESET and ERR from everywhere`, (t) => {
    for (const from of qpStates) {
      for (const to of qpStates) {
        const allowed = to === 'RESET' || to === 'ERR' || edges.includes(`${from} ${to}`);
        const step = (): QPState => checkStep(from, type, needed(from, to, type));
        if (allowed) t.is(step(), to, `${from} ${to}`);
        else t.throws(step, { message: /^EINVAL/ }, `${from} ${to}`);
      }
    }
  });

  test(`${type}: each required attribute is required`, (t) => {
    let checked = 0;
    for (const [from, to] of edges.map((e) => e.split(' ') as [QPState, QPState])) {
      for (const name of requiredAttrs(from, to, type)) {
        const attr = { ...needed(from, to, type), [name]: undefined } as unknown as QPAttr;
        t.throws(() => checkStep(from, type, attr), { message: new RegExp(`needs ${name}`) });
        checked++;
      }
    }
    t.true(checked >= 4);
  });
}

test('an attribute that the step may not change is EINVAL', (t) => {
  const attr = { ...needed('RESET', 'INIT', 'RC'), timeout: 14 };
  t.throws(() => checkStep('RESET', 'RC', attr), { message: /timeout cannot be set/ });
});

test('what is no state is EINVAL; no state at all stays where it is', (t) => {
  const attr = { qpState: 'FLYING' } as unknown as QPAttr;
  t.throws(() => checkStep('RTS', 'RC', attr), { message: /^EINVAL/ });
  t.is(checkStep('RTS', 'RC', { minRnrTimer: 3 }), 'RTS');
  t.is(checkStep('SQD', 'RC', { timeout: 3 }), 'SQD');
});
