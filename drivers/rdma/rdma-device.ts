// One adapter with its driver: what all open files of it share.

import type { Device } from '../../lib/driver/index.js';
import type { Hca } from './hca.js';
import type { MR } from './mr.js';
import type { RdmaRules } from './rules.js';

export class RdmaDevice {
  readonly dev: Device<Hca>;
  readonly rules: RdmaRules;
  /** Every region of every open file: all of them die in a reset. */
  readonly regions = new Set<MR>();
  nextPdn = 1;

  constructor(dev: Device<Hca>, rules: RdmaRules) {
    this.dev = dev;
    this.rules = rules;
  }

  get hca(): Hca {
    return this.dev.hardware;
  }
}
