// Colours and what a format stores of them: Y'CbCr of BT.601 in limited range, full-range RGB, or
// luma. The integer steps are those of v4l2-tpg-core.c (rgb2ycbcr, precalculate_color), so that a
// pixel of vivid's test pattern and one of this camera are the same bytes.

import type { Encoding } from './formats.js';

export type RGB = readonly [r: number, g: number, b: number];
/** The three numbers a format stores for a pixel: Y Cb Cr, R G B, or luma three times. */
export type Sample = readonly [number, number, number];

/** Controls of the picture, each 0 to 255. 128 changes nothing. */
export interface Adjustment {
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
}

export const neutral: Adjustment = { brightness: 128, contrast: 128, saturation: 128 };

/** ITU-R bars at 75 %; the white and black bars as the test pattern generator has them. */
export const bars75: readonly RGB[] = [
  [191, 191, 191],
  [191, 191, 0],
  [0, 191, 191],
  [0, 191, 0],
  [191, 0, 191],
  [191, 0, 0],
  [0, 0, 191],
  [0, 0, 0],
];

/** Fixed-point coefficient: 8 fractional bits, rounded as C does. */
const coeff = (v: number, range: number): number => Math.trunc(0.5 + v * range * 256);

const toY = [coeff(0.299, 219), coeff(0.587, 219), coeff(0.114, 219)] as const;
const toCb = [coeff(-0.1687, 224), coeff(-0.3313, 224), coeff(0.5, 224)] as const;
const toCr = [coeff(0.5, 224), coeff(-0.4187, 224), coeff(-0.0813, 224)] as const;

const dot = (m: readonly [number, number, number], [r, g, b]: RGB): number =>
  (m[0] * r + m[1] * g + m[2] * b) >> 16;

/** Components have 4 fractional bits here and below. */
const ONE = 16;
const clamp = (v: number, low: number, high: number): number => Math.min(Math.max(v, low), high);

function toYCbCr(rgb: RGB): Sample {
  return [dot(toY, rgb) + 16 * ONE, dot(toCb, rgb) + 128 * ONE, dot(toCr, rgb) + 128 * ONE];
}

/** Inverse of BT.601 in limited range; v4l2-tpg-core.c:ycbcr2rgb. */
const inverse = (v: number, range: number): number =>
  Math.trunc(0.5 + v * ((255 * 255 * 16) / range));
const fromY = inverse(1, 219);
const crToR = inverse(1.402, 224);
const cbToG = inverse(-0.3441, 224);
const crToG = inverse(-0.7141, 224);
const cbToB = inverse(1.772, 224);

function toRGB([y, cb, cr]: Sample): RGB {
  const l = (y - 16 * ONE) * fromY;
  const u = cb - 128 * ONE;
  const v = cr - 128 * ONE;
  const clip = (c: number): number => clamp(c >> 12, 0, 0xff0);
  return [clip(l + crToR * v), clip(l + cbToG * u + crToG * v), clip(l + cbToB * u)];
}

const isNeutral = (a: Adjustment): boolean =>
  a.brightness === 128 && a.contrast === 128 && a.saturation === 128;

function adjust([y, cb, cr]: Sample, a: Adjustment): Sample {
  const scaled = Math.trunc(((y - 16 * ONE) * a.contrast) / 128);
  const chroma = (c: number): number =>
    128 * ONE + Math.trunc(((c - 128 * ONE) * a.contrast * a.saturation) / (128 * 128));
  return [16 * ONE + scaled + (a.brightness - 128) * ONE, chroma(cb), chroma(cr)];
}

const limited = ([y, cb, cr]: Sample): Sample => [
  clamp(y >> 4, 16, 235),
  clamp(cb >> 4, 16, 240),
  clamp(cr >> 4, 16, 240),
];

/** Rec. 709 luma of components with 4 fractional bits. */
const lumaOf = ([r, g, b]: RGB): number => (13879 * r + 46688 * g + 4713 * b) >> 16;

function adjustedLuma(rgb: RGB, a: Adjustment): number {
  const y = lumaOf(rgb);
  if (a.brightness === 128 && a.contrast === 128) return clamp(y >> 4, 0, 255);
  const scaled = 16 * ONE + Math.trunc(((y - 16 * ONE) * a.contrast) / 128);
  return clamp((scaled + (a.brightness - 128) * ONE) >> 4, 0, 255);
}

/** What a pixel of this colour stores. */
export function sampleOf(rgb: RGB, encoding: Encoding, a: Adjustment = neutral): Sample {
  const fine: RGB = [rgb[0] << 4, rgb[1] << 4, rgb[2] << 4];
  if (encoding === 'LUMA') {
    const y = adjustedLuma(fine, a);
    return [y, y, y];
  }
  if (encoding === 'YCBCR') {
    const ycbcr = toYCbCr(fine);
    return limited(isNeutral(a) ? ycbcr : adjust(ycbcr, a));
  }
  const [r, g, b] = isNeutral(a) ? fine : toRGB(adjust(toYCbCr(fine), a));
  return [r >> 4, g >> 4, b >> 4];
}

/** The colour that a limited-range Y'CbCr pixel stands for, for pictures. */
export function rgbOfYCbCr(y: number, cb: number, cr: number): RGB {
  const [r, g, b] = toRGB([y << 4, cb << 4, cr << 4]);
  return [r >> 4, g >> 4, b >> 4];
}
