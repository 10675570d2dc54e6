// A captured frame as a PNG file.

import { encode } from 'fast-png';
import type { PixFormat } from './formats.js';
import { unpackRGB } from './packing.js';

/** The bytes of a PNG of this frame. */
export function encodePNG(frame: Uint8Array, fmt: PixFormat): Uint8Array {
  const { width, height } = fmt;
  return encode({ width, height, data: unpackRGB(frame, fmt), channels: 3, depth: 8 });
}
