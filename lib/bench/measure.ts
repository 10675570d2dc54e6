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

/** As much of it as effort says: 1 is all, less is faster and noisier. */
export function scaled(effort: number, { batch, batches }: Measure): Measure {
  return {
    batch: Math.max(1, Math.round(batch * effort)),
    batches: Math.max(3, Math.round(batches * effort)),
  };
}

/** A reading of the clock, for elapsedNs. */
export const nowNs = (): bigint => process.hrtime.bigint();

export const elapsedNs = (since: bigint): number => Number(nowNs() - since);

/** The middle one; sorts the samples. */
export function median(samples: number[]): number {
  samples.sort((a, b) => a - b);
  return samples[samples.length >> 1]!;
}

const summary = (samples: number[]): Measured => ({ ns: median(samples), minNs: samples[0]! });

/** Time a synchronous operation. */
export function measure({ batch, batches }: Measure, operation: () => void): Measured {
  const samples: number[] = [];
  for (let i = -(batches >> 2); i < batches; i++) {
    const since = nowNs();
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
    const since = nowNs();
    for (let k = 0; k < batch; k++) await operation();
    const ns = elapsedNs(since) / batch;
    if (i >= 0) samples.push(ns);
  }
  return summary(samples);
}
