// Measuring: the median of many short batches, in nanoseconds for one operation.
//
// Machines are noisy and differ: rows of one run are compared with each other, as ratios.

export interface Measured {
  /** Median over the batches. */
  readonly ns: number;
  /** Fastest batch: what the machine can do when nobody disturbs it. */
  readonly minNs: number;
}

export interface Measure {
  /** Operations in a batch. */
  readonly batch: number;
  /** Batches that count; a quarter as many run first to warm up. */
  readonly batches: number;
}

const elapsedNs = (since: bigint): number => Number(process.hrtime.bigint() - since);

function summary(samples: number[]): Measured {
  samples.sort((a, b) => a - b);
  return { ns: samples[samples.length >> 1]!, minNs: samples[0]! };
}

/** Time a synchronous operation. */
export function measure({ batch, batches }: Measure, operation: () => void): Measured {
  const samples: number[] = [];
  for (let i = -(batches >> 2); i < batches; i++) {
    const since = process.hrtime.bigint();
    for (let k = 0; k < batch; k++) operation();
    const ns = elapsedNs(since) / batch;
    if (i >= 0) samples.push(ns);
  }
  return summary(samples);
}

/** Time an operation that is awaited. */
export async function measureAsync(
  { batch, batches }: Measure,
  operation: () => Promise<unknown>,
): Promise<Measured> {
  const samples: number[] = [];
  for (let i = -(batches >> 2); i < batches; i++) {
    const since = process.hrtime.bigint();
    for (let k = 0; k < batch; k++) await operation();
    const ns = elapsedNs(since) / batch;
    if (i >= 0) samples.push(ns);
  }
  return summary(samples);
}
