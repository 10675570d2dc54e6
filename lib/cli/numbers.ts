// Numbers on the command line: commander says which option had one that is none.

import { InvalidArgumentError } from 'commander';

/** 0, 1, 2, ...; exact. */
export function wholeNumber(value: string): number {
  const n = Number(value);
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(n)) {
    throw new InvalidArgumentError('not a whole number');
  }
  return n;
}

/** 1, 2, 3, ... */
export function positive(value: string): number {
  const n = wholeNumber(value);
  if (n < 1) throw new InvalidArgumentError('a number from 1 on');
  return n;
}
