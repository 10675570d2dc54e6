// The states of a queue pair and what each step between them needs.
//
//   RESET -> INIT -> RTR -> RTS <-> SQD          any -> ERR, any -> RESET          SQE -> RTS
//
// The table is ib_modify_qp_is_ok()'s (drivers/infiniband/core/verbs.c: qp_state_table): a step
// that is not here, a required attribute that is missing and one that is not allowed are EINVAL.

import { Errno } from '../../lib/driver/index.js';
import type { QPType } from './opcode.js';

export type QPState = 'RESET' | 'INIT' | 'RTR' | 'RTS' | 'SQD' | 'SQE' | 'ERR';

export const qpStates: readonly QPState[] = ['RESET', 'INIT', 'RTR', 'RTS', 'SQD', 'SQE', 'ERR'];

/** Where a remote queue pair is found. */
export interface AHAttr {
  /** Address of its adapter; the local adapter's own for loopback. */
  readonly dgid: string;
  readonly portNum?: number;
}

/** struct ib_qp_attr; what is present is set (the mask of the kernel's interface). */
export interface QPAttr {
  readonly qpState?: QPState;
  readonly curQPState?: QPState;
  readonly pkeyIndex?: number;
  readonly portNum?: number;
  readonly qpAccessFlags?: number;
  readonly qkey?: number;
  readonly ahAttr?: AHAttr;
  readonly pathMtu?: 256 | 512 | 1024 | 2048 | 4096;
  readonly destQPNum?: number;
  readonly rqPsn?: number;
  readonly sqPsn?: number;
  readonly maxDestRdAtomic?: number;
  readonly maxRdAtomic?: number;
  readonly minRnrTimer?: number;
  readonly timeout?: number;
  readonly retryCnt?: number;
  readonly rnrRetry?: number;
  readonly enSqdAsyncNotify?: boolean;
}

export type QPAttrName = Exclude<keyof QPAttr, 'qpState' | 'curQPState'>;

interface Step {
  readonly required: Readonly<Partial<Record<QPType, readonly QPAttrName[]>>>;
  readonly optional: Readonly<Partial<Record<QPType, readonly QPAttrName[]>>>;
}

const none: Step = { required: {}, optional: {} };
const both = (names: readonly QPAttrName[]): Record<'RC' | 'UC', readonly QPAttrName[]> => ({
  RC: names,
  UC: names,
});

const initAttrs = {
  ...both(['pkeyIndex', 'portNum', 'qpAccessFlags']),
  UD: ['pkeyIndex', 'portNum', 'qkey'],
} as const;

const rtsOptional = {
  UD: ['qkey'],
  UC: ['qpAccessFlags'],
  RC: ['qpAccessFlags', 'minRnrTimer'],
} as const;

/** From SQD every path attribute may change (IBA table 91). */
const sqdOptional = {
  UD: ['pkeyIndex', 'qkey'],
  UC: ['ahAttr', 'qpAccessFlags', 'pkeyIndex'],
  RC: [
    'portNum',
    'ahAttr',
    'timeout',
    'retryCnt',
    'rnrRetry',
    'maxRdAtomic',
    'maxDestRdAtomic',
    'qpAccessFlags',
    'pkeyIndex',
    'minRnrTimer',
  ],
} as const;

const rtrRequired = {
  UC: ['ahAttr', 'pathMtu', 'destQPNum', 'rqPsn'],
  RC: ['ahAttr', 'pathMtu', 'destQPNum', 'rqPsn', 'maxDestRdAtomic', 'minRnrTimer'],
} as const;

const rtsRequired = {
  UD: ['sqPsn'],
  UC: ['sqPsn'],
  RC: ['timeout', 'retryCnt', 'rnrRetry', 'sqPsn', 'maxRdAtomic'],
} as const;

const initOptional = {
  UD: ['pkeyIndex', 'qkey'],
  ...both(['qpAccessFlags', 'pkeyIndex']),
} as const;

const table: Readonly<Partial<Record<QPState, Partial<Record<QPState, Step>>>>> = {
  RESET: { INIT: { required: initAttrs, optional: {} } },
  INIT: {
    INIT: {
      required: {},
      optional: { UD: ['pkeyIndex', 'portNum', 'qkey'], ...both(initAttrs.RC) },
    },
    RTR: { required: rtrRequired, optional: initOptional },
  },
  RTR: { RTS: { required: rtsRequired, optional: rtsOptional } },
  RTS: {
    RTS: { required: {}, optional: rtsOptional },
    SQD: {
      required: {},
      optional: {
        UD: ['enSqdAsyncNotify'],
        ...both(['enSqdAsyncNotify']),
      },
    },
  },
  SQD: {
    RTS: { required: {}, optional: rtsOptional },
    SQD: { required: {}, optional: sqdOptional },
  },
  SQE: { RTS: { required: {}, optional: { UD: ['qkey'], UC: ['qpAccessFlags'] } } },
};

function stepOf(from: QPState, to: QPState): Step | undefined {
  return to === 'RESET' || to === 'ERR' ? none : table[from]?.[to];
}

/** The attributes a step needs; empty when it is not possible. For tests and messages. */
export function requiredAttrs(from: QPState, to: QPState, type: QPType): readonly QPAttrName[] {
  return stepOf(from, to)?.required[type] ?? [];
}

/**
 * Check a modify_qp of a queue pair in state `from`; the state it moves to. EINVAL: no such step,
 * a missing attribute, or one that this step may not change.
 */
export function checkStep(from: QPState, type: QPType, attr: QPAttr): QPState {
  for (const state of [attr.qpState, attr.curQPState]) {
    if (state !== undefined && !qpStates.includes(state)) {
      throw new Errno('EINVAL', `modify_qp: ${String(state)} is no state`);
    }
  }
  const current = attr.curQPState ?? from;
  const to = attr.qpState ?? current;
  const step = stepOf(current, to);
  if (step === undefined) throw new Errno('EINVAL', `modify_qp: ${current} to ${to}`);
  const given = Object.entries(attr)
    .filter(([name, v]) => v !== undefined && name !== 'qpState' && name !== 'curQPState')
    .map(([name]) => name as QPAttrName);
  const required = step.required[type] ?? [];
  for (const name of required) {
    if (!given.includes(name)) {
      throw new Errno('EINVAL', `modify_qp: ${current} to ${to} needs ${name}`);
    }
  }
  const allowed = [...required, ...(step.optional[type] ?? [])];
  for (const name of given) {
    if (!allowed.includes(name)) {
      throw new Errno('EINVAL', `modify_qp: ${name} cannot be set from ${current} to ${to}`);
    }
  }
  return to;
}
