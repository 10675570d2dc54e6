// A pNFS mount as an application holds it: one method for each request of /dev/pnfs0.

import type { NodeIO } from '../../lib/driver/index.js';
import type { ClientCounters, RecallAnswer, WriteJob } from './block-client.js';
import type { LayoutExtent } from './layout-state.js';
import type { Layout, PnfsRequests } from './index.js';
import type { LayoutGetArg } from './server.js';

export class PnfsClient {
  readonly io: NodeIO<PnfsRequests>;

  constructor(io: NodeIO<PnfsRequests>) {
    this.io = io;
  }

  /** The blocks of a range of a file that is open at the server, to be used until recalled. */
  layoutGet(arg: LayoutGetArg): Promise<Layout> {
    return this.io.ioctl('LAYOUTGET', arg);
  }

  layoutReturn({ stateid }: Pick<Layout, 'stateid'>): Promise<void> {
    return this.io.ioctl('LAYOUTRETURN', { stateid });
  }

  /** Bytes from the storage itself. */
  read({ stateid }: Pick<Layout, 'stateid'>, pos: number, len: number): Promise<Uint8Array> {
    return this.io.ioctl('READ', { stateid, pos, len });
  }

  write({ stateid }: Pick<Layout, 'stateid'>, pos: number, data: Uint8Array): Promise<void> {
    return this.io.ioctl('WRITE', { stateid, pos, data });
  }

  /** Let the client write by itself. */
  start({ stateid }: Pick<Layout, 'stateid'>, job: WriteJob): Promise<void> {
    return this.io.ioctl('START', { stateid, ...job });
  }

  stop({ stateid }: Pick<Layout, 'stateid'>): Promise<void> {
    return this.io.ioctl('STOP', { stateid });
  }

  /** What the client does about recalls by itself. 'ignore' leaves them to nextRecall(). */
  onRecall(answer: RecallAnswer): Promise<void> {
    return this.io.ioctl('SET_RECALL', { answer });
  }

  /** Sleep until a layout is recalled; its stateid. */
  nextRecall(): Promise<number> {
    return this.io.ioctl('NEXT_RECALL', undefined);
  }

  counters(): Promise<ClientCounters & { readonly fenced: boolean }> {
    return this.io.ioctl('COUNTERS', undefined);
  }

  /** Unmount: every layout goes back. */
  close(): Promise<void> {
    return this.io.close();
  }
}

export type { LayoutExtent };
