// pnfs: a server and a client of block layouts, behind the node /dev/pnfs0: each open file is one
// client of it, with a key of its own at the storage.
//
// Layers, from the node down: client.ts (the library) - this file (requests) - block-client.ts (the
// remote side) and server.ts (nfsd's side) - layout-state.ts - block-target.ts (the storage).

import {
  defineDriver,
  type Device,
  type FileOperations,
  type NodeIO,
} from '../../lib/driver/index.js';
import {
  checkAnswer,
  checkData,
  checkJob,
  checkLayoutGet,
  checkRange,
  checkStateid,
} from './args.js';
import { BlockClient, type ClientCounters, type RecallAnswer } from './block-client.js';
import type { WriteJob } from './block-client.js';
import { BlockTarget } from './block-target.js';
import { PnfsClient } from './client.js';
import type { LayoutExtent } from './layout-state.js';
import { type LayoutGetArg, PnfsServer } from './server.js';

declare module '../../lib/driver/index.js' {
  interface NodeLibraries {
    [node: `pnfs${number}`]: PnfsClient;
  }
}

/** What LAYOUTGET answers: the parts of the range that have blocks. */
export interface Layout {
  readonly stateid: number;
  readonly extents: readonly LayoutExtent[];
}

interface Stateid {
  readonly stateid: number;
}

export type PnfsRequests = {
  COUNTERS: { arg: unknown; ret: ClientCounters & { readonly fenced: boolean } };
  LAYOUTGET: { arg: LayoutGetArg; ret: Layout };
  LAYOUTRETURN: { arg: Stateid; ret: void };
  NEXT_RECALL: { arg: unknown; ret: number };
  READ: { arg: Stateid & { readonly pos: number; readonly len: number }; ret: Uint8Array };
  SET_RECALL: { arg: { readonly answer: RecallAnswer }; ret: void };
  START: { arg: Stateid & WriteJob; ret: void };
  STOP: { arg: Stateid; ret: void };
  WRITE: { arg: Stateid & { readonly pos: number; readonly data: Uint8Array }; ret: void };
};

/** One server, and the storage that it shares with its clients. */
export class PnfsState {
  readonly server: PnfsServer;
  readonly target: BlockTarget;
  nextKey = 1;

  constructor(dev: Device<BlockTarget>) {
    this.target = dev.hardware;
    this.server = new PnfsServer(dev, dev.hardware);
  }
}

const nodeOps = (
  dev: Device<BlockTarget>,
  pnfs: PnfsState,
): FileOperations<BlockClient, PnfsRequests> => ({
  ioctls: {
    COUNTERS: (client) => ({ ...client.counters, fenced: !pnfs.target.isRegistered(client.key) }),
    async LAYOUTGET(client, arg, caller) {
      const layout = await pnfs.server.layoutGet(client, caller, checkLayoutGet(arg));
      client.add(layout);
      return { stateid: layout.stateid, extents: layout.extents };
    },
    LAYOUTRETURN: (client, arg, { task }) =>
      client.layoutReturn(task, client.layout(checkStateid(arg))),
    NEXT_RECALL: (client, _arg, { task }) => client.nextRecall(task),
    async READ(client, arg, { task }) {
      const { pos, len } = checkRange(arg);
      const layout = client.layout(checkStateid(arg));
      layout.piecesOf(pos, len);
      const bytes = new Uint8Array(len);
      await client.transfer(task, layout, 'read', pos, bytes);
      return bytes;
    },
    SET_RECALL(client, arg) {
      client.answer = checkAnswer(arg);
    },
    START(client, arg) {
      client.start(client.layout(checkStateid(arg)), checkJob(arg));
    },
    STOP(client, arg) {
      client.stop(client.layout(checkStateid(arg)));
    },
    WRITE(client, arg, { task }) {
      const { pos, data } = checkData(arg);
      return client.transfer(task, client.layout(checkStateid(arg)), 'write', pos, data);
    },
  },
  library: (io) => new PnfsClient(io as NodeIO<PnfsRequests>),
  open: () => new BlockClient(dev, pnfs.target, pnfs.nextKey++),
  release: (client, task) => client.unmount(task),
});

export default defineDriver({
  name: 'pnfs',
  apiVersion: 1,
  idTable: [{ compatible: 'emul,shared-storage' }],
  emulate: () => new BlockTarget(),
  probe(dev: Device<BlockTarget>) {
    dev.hardware.attach(dev.sched, dev.bus);
    const state = new PnfsState(dev);
    dev.addNode(dev.name, nodeOps(dev, state));
    return state;
  },
});

export { BlockTarget };
export type { RecallAnswer, WriteJob } from './block-client.js';
export type { PnfsClient } from './client.js';
export type { LayoutGetArg } from './server.js';
