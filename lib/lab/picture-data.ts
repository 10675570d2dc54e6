// A picture as few characters: every cell of the matrix has one, and the report carries them all.
//
// Instants are said once, in ns from the first; everything else names them by their place. Pages
// are a letter each: d the file's, o another file's, r an orphan's, f nobody's; a capital is
// pinned.

import type { Bar, PageSample, PageState, Picture } from './picture.js';

export const lanes = ['operation', 'lease', 'pins', 'DMA', 'reader', 'writer', 'stat'] as const;
export const kinds = ['operation', 'pins', 'lease', 'call', 'dma', 'failed', 'stray'] as const;

const letters: Readonly<Record<PageState, string>> = {
  data: 'd',
  other: 'o',
  orphan: 'r',
  free: 'f',
};

/** Lane and kind by their place in the lists above, label, first and last instant; -1: no end. */
export type BarData = readonly [number, number, string, number, number];

export interface PictureData {
  /** Instants, and which of them is the end. */
  readonly t: readonly number[];
  readonly e: number;
  readonly b: readonly BarData[];
  /** Page frames, and what they were from an instant on. */
  readonly f: readonly number[];
  readonly s: readonly (readonly [number, string])[];
}

const lettersOf = ({ pages }: PageSample): string =>
  pages
    .map(({ state, pinned }) => (pinned ? letters[state].toUpperCase() : letters[state]))
    .join('');

/** What the report draws from. */
export function pictureData({ bars, samples, pfns, endNs }: Picture): PictureData {
  const times = [...bars.flatMap((b) => [b.fromNs, b.toNs]), ...samples.map((s) => s.atNs), endNs];
  const instants = [...new Set(times.filter((ns) => ns <= endNs))].sort((a, b) => a - b);
  const place = new Map(instants.map((ns, i) => [ns, i]));
  const at = (ns: number): number => place.get(ns) ?? -1;
  const ofBar = ({ lane, kind, label, fromNs, toNs }: Bar): BarData => [
    ...([lanes.indexOf(lane as (typeof lanes)[number]), kinds.indexOf(kind)] as const),
    label,
    at(fromNs),
    at(toNs),
  ];
  const [first = 0] = instants;
  return {
    t: instants.map((ns) => ns - first),
    e: at(endNs),
    b: bars.map(ofBar),
    f: [...pfns],
    s: samples.map((sample) => [at(sample.atNs), lettersOf(sample)] as const),
  };
}
