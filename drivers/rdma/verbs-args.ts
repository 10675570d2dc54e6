// What the calls of VerbsContext take, where it is more than a few arguments.

import type { DmaBuf } from '../../lib/driver/index.js';
import type { AccessFlags } from './access.js';
import type { ReregFlag } from './mr-rereg.js';
import type { QPType } from './opcode.js';
import type { QPCap } from './queue-pair.js';
import type { CQ, MR, PD, SRQ } from './verbs-objects.js';
import type { SendFlag } from './work-request.js';

export interface CreateQPAttr {
  readonly pd: PD;
  readonly sendCQ: CQ;
  readonly recvCQ: CQ;
  readonly srq?: SRQ;
  readonly type?: QPType;
  readonly cap?: Partial<QPCap>;
  readonly sqSigAll?: boolean;
}

/** What ibv_reg_mr_ex() takes: a range of memory, a dma-buf, or the whole address space. */
export interface RegMRExAttr {
  readonly addr?: number;
  readonly len?: number;
  readonly iova?: number;
  readonly access?: AccessFlags;
  readonly buf?: DmaBuf;
  readonly offset?: number;
  /** Implicit on-demand paging; access has on_demand. */
  readonly implicit?: boolean;
}

export interface ReregRequest {
  readonly flags: readonly (ReregFlag | number)[];
  readonly pd?: PD;
  readonly addr?: number;
  readonly len?: number;
  readonly iova?: number;
  readonly access?: AccessFlags;
}

export interface BindRequest {
  readonly wrId?: number;
  readonly mr: MR | null;
  readonly addr: number;
  readonly len: number;
  readonly access: AccessFlags;
  readonly flags?: readonly SendFlag[];
}
