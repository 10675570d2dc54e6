// How a queue pair comes to RTS, for tests and for processes that tests start (which are no tests,
// and must not load the fixtures).

import { accessOf } from '../../drivers/rdma/access.js';
import type { QPType } from '../../drivers/rdma/opcode.js';
import type { AccessFlags, QPAttr } from '../../drivers/rdma/verbs-context.js';

/** The attributes of each step to RTS for one end of a connection. */
export function connectSteps(
  type: QPType,
  access: AccessFlags,
  destQPNum: number,
  dgid: string,
  more: QPAttr = {},
): QPAttr[] {
  const base = { pkeyIndex: 0, portNum: 1 } as const;
  if (type === 'UD') {
    return [
      { qpState: 'INIT', ...base, qkey: 0x1111 },
      { qpState: 'RTR' },
      { qpState: 'RTS', sqPsn: 0 },
    ];
  }
  const path = { ahAttr: { dgid }, pathMtu: 1024, destQPNum, rqPsn: 0 } as const;
  const rcRtr = { maxDestRdAtomic: 1, minRnrTimer: 12 };
  const rcRts = { timeout: 14, retryCnt: 7, rnrRetry: 1, maxRdAtomic: 1 };
  const rc = type === 'RC';
  const { minRnrTimer, maxDestRdAtomic, rqPsn, ...rts } = more;
  return [
    { qpState: 'INIT', ...base, qpAccessFlags: accessOf(access) },
    {
      qpState: 'RTR',
      ...path,
      ...(rc && rcRtr),
      ...(minRnrTimer !== undefined && { minRnrTimer }),
      ...(maxDestRdAtomic !== undefined && { maxDestRdAtomic }),
      ...(rqPsn !== undefined && { rqPsn }),
    },
    { qpState: 'RTS', sqPsn: 0, ...(rc && rcRts), ...rts },
  ];
}
