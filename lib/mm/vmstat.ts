// vmstat: counters of the whole machine, as /proc/vmstat names them (facts 2.1, 2.4).

export interface VmstatCounters {
  nrFollPinAcquired: number;
  nrFollPinReleased: number;
  pgfault: number;
  pgmajfault: number;
  pgactivate: number;
  pgdeactivate: number;
  pgscan: number;
  pgsteal: number;
  pgmigrateSuccess: number;
  pgmigrateFail: number;
  nrWritten: number;
  nrBounced: number;
}

const zeroes = (): VmstatCounters => ({
  nrFollPinAcquired: 0,
  nrFollPinReleased: 0,
  pgfault: 0,
  pgmajfault: 0,
  pgactivate: 0,
  pgdeactivate: 0,
  pgscan: 0,
  pgsteal: 0,
  pgmigrateSuccess: 0,
  pgmigrateFail: 0,
  nrWritten: 0,
  nrBounced: 0,
});

export class Vmstat {
  readonly counters: VmstatCounters = zeroes();

  /** nr_foll_pin_acquired - nr_foll_pin_released: pins taken and not given back, in pages. */
  get pinsOutstanding(): number {
    return this.counters.nrFollPinAcquired - this.counters.nrFollPinReleased;
  }
}
