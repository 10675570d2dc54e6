// The behaviours: how the application that let a device at its file behaves when somebody else
// wants the file's blocks (design, section 9; the first three are Ira Weiny's cases of May 2019).

import type { BehaviourName } from './cell.js';

export interface Behaviour {
  readonly name: BehaviourName;
  readonly says: string;
  /** It takes what lease the policy and the kernel offer, before it pins. */
  readonly leases: boolean;
  /** What it does when it is told that somebody wants the blocks. */
  readonly whenTold: 'lets-go' | 'lets-go-late' | 'nothing';
  /** It gives up its lease once it has its pins. */
  readonly dropsLease: boolean;
  /** It dies while the operation is under way; which descriptor is the lower one. */
  readonly exits: 'data-first' | 'device-first' | null;
  /** Its peer opens a new connection after an error and uses the old key on it. */
  readonly peerInsists: boolean;
}

const usual = { leases: true, dropsLease: false, exits: null, peerInsists: false } as const;

export const behaviours: Readonly<Record<BehaviourName, Behaviour>> = {
  cooperates: {
    ...usual,
    name: 'cooperates',
    says: 'takes a lease, and unpins when SIGIO tells it to',
    whenTold: 'lets-go',
  },
  'drops-lease': {
    ...usual,
    name: 'drops-lease',
    says: 'takes a lease, pins, gives the lease up and keeps the pins',
    whenTold: 'nothing',
    dropsLease: true,
  },
  ignores: {
    ...usual,
    name: 'ignores',
    says: 'takes a lease, pins, and ignores SIGIO',
    whenTold: 'nothing',
  },
  'never-leases': {
    ...usual,
    name: 'never-leases',
    says: 'pins without a lease',
    leases: false,
    whenTold: 'nothing',
  },
  'answers-late': {
    ...usual,
    name: 'answers-late',
    says: 'unpins 60 s after SIGIO, which is past lease-break-time',
    whenTold: 'lets-go-late',
  },
  'exits-data-first': {
    ...usual,
    name: 'exits-data-first',
    says: 'exits in the middle; the data file is closed before the device',
    whenTold: 'nothing',
    exits: 'data-first',
  },
  'exits-device-first': {
    ...usual,
    name: 'exits-device-first',
    says: 'exits in the middle; the device is closed before the data file',
    whenTold: 'nothing',
    exits: 'device-first',
  },
  'revoked-key': {
    ...usual,
    name: 'revoked-key',
    says: 'ignores SIGIO, and its remote peer goes on writing with a key that was revoked',
    whenTold: 'nothing',
    peerInsists: true,
  },
  mixture: {
    ...usual,
    name: 'mixture',
    says: 'one of each on one file, in processes of their own',
    whenTold: 'nothing',
  },
};

/** Who is on the file in a mixture; exits are alike for those who live on, in either order. */
export const mixed: readonly BehaviourName[] = [
  'cooperates',
  'drops-lease',
  'ignores',
  'never-leases',
  'answers-late',
  'exits-device-first',
  'revoked-key',
];
