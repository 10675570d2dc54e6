// Rows of samples to rows of bytes, and back for pictures: one entry per pixel format.
//
// Two pixels that share chroma store its mean, and two rows that share it the mean of both, as
// v4l2-tpg-core.c:gen_twopix and the downsampled lines do.

import { rgbOfYCbCr } from './colors.js';
import { findFormat, planePos, rowBytes, type FourCC, type PixFormat } from './formats.js';

/** Samples of a picture: three bytes for each pixel, row by row. */
export interface Samples {
  readonly width: number;
  readonly height: number;
  readonly bytes: Uint8Array;
}

/** Byte places in a pair of pixels: Y0, Cb, Y1, Cr. */
const pairs: Partial<Record<FourCC, readonly [number, number, number, number]>> = {
  YUYV: [0, 1, 2, 3],
  YVYU: [0, 3, 2, 1],
  UYVY: [1, 0, 3, 2],
  VYUY: [1, 2, 3, 0],
};

/** Chroma planes: which plane, from which byte and how far apart, for Cb and for Cr. */
interface Chroma {
  readonly plane: number;
  readonly first: number;
  readonly step: number;
}
const subsampled: Partial<Record<FourCC, readonly [cb: Chroma, cr: Chroma]>> = {
  NV12: [
    { plane: 1, first: 0, step: 2 },
    { plane: 1, first: 1, step: 2 },
  ],
  NM12: [
    { plane: 1, first: 0, step: 2 },
    { plane: 1, first: 1, step: 2 },
  ],
  NV21: [
    { plane: 1, first: 1, step: 2 },
    { plane: 1, first: 0, step: 2 },
  ],
  YU12: [
    { plane: 1, first: 0, step: 1 },
    { plane: 2, first: 0, step: 1 },
  ],
  YM12: [
    { plane: 1, first: 0, step: 1 },
    { plane: 2, first: 0, step: 1 },
  ],
  YV12: [
    { plane: 2, first: 0, step: 1 },
    { plane: 1, first: 0, step: 1 },
  ],
};

const mean = (a: number, b: number): number => (a + b) >> 1;

/** Rows [from, to) of the picture, packed into frame; from and to are even. */
export function packRows(
  s: Samples,
  fmt: PixFormat,
  frame: Uint8Array,
  from: number,
  to: number,
): void {
  const pair = pairs[fmt.pixelformat];
  const chroma = subsampled[fmt.pixelformat];
  for (let row = from; row < to; row++) {
    const at = row * fmt.bytesperline;
    const source = s.bytes.subarray(row * s.width * 3, (row + 1) * s.width * 3);
    if (pair !== undefined) packPairs(source, frame, at, pair);
    else if (fmt.pixelformat === 'RGB3') frame.set(source, at);
    else if (fmt.pixelformat === 'BGR3') packReversed(source, frame, at);
    else for (let x = 0; x < s.width; x++) frame[at + x] = source[x * 3]!;
  }
  if (chroma !== undefined) packChroma(s, fmt, frame, from, to, chroma);
}

function packPairs(
  source: Uint8Array,
  frame: Uint8Array,
  at: number,
  [y0, cb, y1, cr]: readonly [number, number, number, number],
): void {
  for (let i = 0, o = at; i < source.length; i += 6, o += 4) {
    frame[o + y0] = source[i]!;
    frame[o + y1] = source[i + 3]!;
    frame[o + cb] = mean(source[i + 1]!, source[i + 4]!);
    frame[o + cr] = mean(source[i + 2]!, source[i + 5]!);
  }
}

function packReversed(source: Uint8Array, frame: Uint8Array, at: number): void {
  for (let i = 0; i < source.length; i += 3) {
    frame[at + i] = source[i + 2]!;
    frame[at + i + 1] = source[i + 1]!;
    frame[at + i + 2] = source[i]!;
  }
}

function packChroma(
  s: Samples,
  fmt: PixFormat,
  frame: Uint8Array,
  from: number,
  to: number,
  places: readonly [Chroma, Chroma],
): void {
  const format = findFormat(fmt.pixelformat)!;
  const stride = s.width * 3;
  for (const [c, { plane, first, step }] of places.entries()) {
    const base = planePos(format, plane, fmt.bytesperline, fmt.height) + first;
    const row = rowBytes(format, plane, fmt.bytesperline);
    for (let y = from; y < to; y += 2) {
      let i = y * stride + 1 + c;
      let o = base + (y / 2) * row;
      for (let x = 0; x < s.width; x += 2, i += 6, o += step) {
        const upper = mean(s.bytes[i]!, s.bytes[i + 3]!);
        const lower = mean(s.bytes[i + stride]!, s.bytes[i + stride + 3]!);
        frame[o] = mean(upper, lower);
      }
    }
  }
}

/** A frame as RGB, three bytes for each pixel: what a picture viewer wants. */
export function unpackRGB(frame: Uint8Array, fmt: PixFormat): Uint8Array {
  const { width, height, bytesperline } = fmt;
  const rgb = new Uint8Array(width * height * 3);
  const pixel = pixelReader(frame, fmt);
  for (let y = 0, o = 0; y < height; y++) {
    for (let x = 0; x < width; x++, o += 3) rgb.set(pixel(x, y, y * bytesperline), o);
  }
  return rgb;
}

type PixelReader = (x: number, y: number, row: number) => readonly [number, number, number];

function pixelReader(frame: Uint8Array, fmt: PixFormat): PixelReader {
  const pair = pairs[fmt.pixelformat];
  if (pair !== undefined) {
    const [y0, cb, y1, cr] = pair;
    return (x, _y, row) => {
      const o = row + (x >> 1) * 4;
      return rgbOfYCbCr(frame[o + (x & 1 ? y1 : y0)]!, frame[o + cb]!, frame[o + cr]!);
    };
  }
  const chroma = subsampled[fmt.pixelformat];
  if (chroma !== undefined) return subsampledReader(frame, fmt, chroma);
  if (fmt.pixelformat === 'GREY') {
    return (x, _y, row) => [frame[row + x]!, frame[row + x]!, frame[row + x]!];
  }
  const [r, b] = fmt.pixelformat === 'RGB3' ? [0, 2] : [2, 0];
  return (x, _y, row) => [
    frame[row + x * 3 + r]!,
    frame[row + x * 3 + 1]!,
    frame[row + x * 3 + b]!,
  ];
}

function subsampledReader(
  frame: Uint8Array,
  fmt: PixFormat,
  places: readonly [Chroma, Chroma],
): PixelReader {
  const format = findFormat(fmt.pixelformat)!;
  const [cb, cr] = places.map(({ plane, first, step }) => {
    const base = planePos(format, plane, fmt.bytesperline, fmt.height) + first;
    const stride = rowBytes(format, plane, fmt.bytesperline);
    return (x: number, y: number): number => frame[base + (y >> 1) * stride + (x >> 1) * step]!;
  });
  return (x, y, row) => rgbOfYCbCr(frame[row + x]!, cb!(x, y), cr!(x, y));
}
