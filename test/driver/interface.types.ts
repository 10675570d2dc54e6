// Compile-only: what the driver interface must refuse, and that its door stands alone. Every line
// below @ts-expect-error is a mistake that must not compile.

import type {
  Caller,
  Device,
  DevicePinRequest,
  FileOperations,
  NodeIO,
  PinnedPages,
} from '../../lib/driver/index.js';
import { defineDriver } from '../../lib/driver/index.js';

declare const dev: Device<{ byte: number }>;
declare const caller: Caller;
const range = { addr: 0, len: 4096, access: 'write' } as const;

// A long-term pin says how it is taken back, or that it cannot be.
void dev.pinUserPages(caller, { ...range, longterm: false });
void dev.pinUserPages(caller, { ...range, longterm: true, irrevocable: true });
void dev.pinUserPages(caller, { ...range, longterm: true, revoke: () => Promise.resolve() });
// @ts-expect-error forgetting both
void dev.pinUserPages(caller, { ...range, longterm: true });
// @ts-expect-error irrevocable must be said as true
void dev.pinUserPages(caller, { ...range, longterm: true, irrevocable: false });
// @ts-expect-error a short-term pin is never revoked
void dev.pinUserPages(caller, { ...range, longterm: false, revoke: () => Promise.resolve() });
type Revoke = Extract<DevicePinRequest, { revoke(...args: never[]): unknown }>['revoke'];
// @ts-expect-error revoke answers when the pages are unpinned, so by a promise
const hasty: Revoke = (pins: PinnedPages) => pins.unpin();
// @ts-expect-error an access is 'read' or 'write'
void dev.pinUserPages(caller, { ...range, access: 'rw', longterm: false });

// The hardware is typed by the driver.
const byte: number = dev.hardware.byte;
// @ts-expect-error no such register
void dev.hardware.word;

// Requests are typed by the driver's table, on both sides.
type Requests = { ASK: { arg: { n: number }; ret: string } };
const fops: FileOperations<number, Requests> = {
  ioctls: { ASK: (h, { n }) => `${h + n}` },
  open: () => 1,
  release() {},
};
const badRequest: FileOperations<number, Requests> = {
  // @ts-expect-error the result is a string
  ioctls: { ASK: (h, { n }) => h + n },
  open: () => 1,
  release() {},
};
// @ts-expect-error release is required
const noRelease: FileOperations<number> = { open: () => 1 };
declare const io: NodeIO<Requests>;
const answer: Promise<string> = io.ioctl('ASK', { n: 1 });
// @ts-expect-error no such request
void io.ioctl('TELL', {});

export default defineDriver({
  name: 'typed',
  apiVersion: 1,
  idTable: [{ compatible: 'emul,typed' }],
  probe: (d: Device<{ byte: number }>) => d.hardware.byte,
  remove(_d, state) {
    const same: number = state;
    void same;
  },
});

// @ts-expect-error another interface version
defineDriver({ name: 'old', apiVersion: 0, idTable: [{ compatible: 'a,b' }], probe() {} });

void byte;
void hasty;
void fops;
void badRequest;
void noRelease;
void answer;
