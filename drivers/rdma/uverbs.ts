// The uverbs node: which function answers which request.

import type { Caller, FileOperations } from '../../lib/driver/index.js';
import { createAH, destroyAH } from './ah.js';
import { adviseMR } from './advise-mr.js';
import { checkObject } from './args.js';
import { createChannel, destroyChannel, getCQEvent, nextOf } from './channel.js';
import { createCQ, destroyCQ, pollCQ, reqNotifyCQ, resizeCQ, waitCQ } from './cq.js';
import { hcaLimits } from './hca.js';
import { allocMW, deallocMW } from './mw.js';
import { deregMR, queryMR, regDmaBufMR, regMR, regMRLease, returnMR } from './mr-registration.js';
import { reregMR } from './mr-rereg.js';
import { allocPD, deallocPD } from './pd.js';
import { createQP, destroyQP, modifyQP, postRecv, postSend, queryQP } from './qp.js';
import type { RdmaDevice } from './rdma-device.js';
import type { DeviceInfo, VerbsRequests } from './requests.js';
import { createSRQ, destroySRQ, modifySRQ, postSRQRecv, querySRQ } from './srq.js';
import { type AsyncEvent, UverbsFile } from './uverbs-file.js';
import { VerbsContext } from './verbs-context.js';

function queryDevice(file: UverbsFile): DeviceInfo {
  const { hca, rules } = file.device;
  const { odp, implicitOdp } = rules;
  return { gid: hca.gid, limits: { ...hcaLimits }, odp, implicitOdp };
}

async function getAsyncEvent(file: UverbsFile, _arg: object, caller: Caller): Promise<AsyncEvent> {
  const { asyncEvents, asyncArrived } = file;
  await nextOf(file, caller.task, asyncEvents, asyncArrived, 'an asynchronous event');
  return asyncEvents.shift()!;
}

type Handlers = {
  [R in keyof VerbsRequests]: (
    file: UverbsFile,
    arg: VerbsRequests[R]['arg'],
    caller: Caller,
  ) => VerbsRequests[R]['ret'] | Promise<VerbsRequests[R]['ret']>;
};

const handlers: Handlers = {
  ADVISE_MR: adviseMR,
  ALLOC_MW: allocMW,
  ALLOC_PD: allocPD,
  CREATE_AH: createAH,
  CREATE_COMP_CHANNEL: createChannel,
  CREATE_CQ: createCQ,
  CREATE_QP: createQP,
  CREATE_SRQ: createSRQ,
  DEALLOC_MW: deallocMW,
  DEALLOC_PD: deallocPD,
  DEREG_MR: deregMR,
  DESTROY_AH: destroyAH,
  DESTROY_COMP_CHANNEL: destroyChannel,
  DESTROY_CQ: destroyCQ,
  DESTROY_QP: (file, arg, caller) => destroyQP(file, arg, caller.task),
  DESTROY_SRQ: destroySRQ,
  GET_ASYNC_EVENT: getAsyncEvent,
  GET_CQ_EVENT: (file, arg, caller) => getCQEvent(file, arg, caller.task),
  MODIFY_QP: modifyQP,
  MODIFY_SRQ: modifySRQ,
  POLL_CQ: pollCQ,
  POST_RECV: postRecv,
  POST_SEND: postSend,
  POST_SRQ_RECV: postSRQRecv,
  QUERY_DEVICE: queryDevice,
  QUERY_MR: queryMR,
  QUERY_QP: queryQP,
  QUERY_SRQ: querySRQ,
  REG_DMABUF_MR: regDmaBufMR,
  REG_MR: regMR,
  REG_MR_LEASE: regMRLease,
  REQ_NOTIFY_CQ: reqNotifyCQ,
  REREG_MR: reregMR,
  RESIZE_CQ: resizeCQ,
  RETURN_MR: returnMR,
  WAIT_CQ: (file, arg, caller) => waitCQ(file, arg, caller.task),
};

/** Every request names its argument before it is looked at: EINVAL for what is no object. */
function checked(): Handlers {
  const entries = Object.entries(handlers).map(([request, handler]) => {
    const run = handler as (file: UverbsFile, arg: unknown, caller: Caller) => unknown;
    return [
      request,
      (file: UverbsFile, arg: unknown, caller: Caller) => {
        checkObject(request, arg);
        return run(file, arg, caller);
      },
    ];
  });
  return Object.fromEntries(entries) as Handlers;
}

const ioctls = checked();

export const requestNames = Object.keys(handlers) as readonly (keyof VerbsRequests)[];

export const uverbsOps = (device: RdmaDevice): FileOperations<UverbsFile, VerbsRequests> => ({
  ioctls,
  library: (io) => new VerbsContext(io),
  open: (_caller, file) => new UverbsFile(device, () => file.nonblock),
  poll(file, wait) {
    wait(file.asyncArrived);
    return file.asyncEvents.length > 0 ? ['POLLIN'] : [];
  },
  release: (file, task) => file.close(task),
});
