// Pixel formats: how a picture lies in memory, and how long it is.
//
// A format is one or more planes in one buffer, each a number of bits per pixel of its own size.
// vivid-vid-common.c:vivid_formats; sizes as in vivid-vid-cap.c:vivid_try_fmt_vid_cap.

import type { WebcamSize } from './rules.js';

/** V4L2_PIX_FMT_*, by its four characters. RGB24 is 'RGB3'. */
export type FourCC =
  | (
      | 'YUYV'
      | 'UYVY'
      | 'YVYU'
      | 'VYUY'
      | 'NV12'
      | 'NV21'
      | 'YU12'
      | 'YV12'
      | 'GREY'
      | 'RGB3'
      | 'BGR3'
    )
  | ('NM12' | 'YM12');

/** How the bytes of a pixel are made from its colour. */
export type Encoding = 'YCBCR' | 'RGB' | 'LUMA';

export interface PixelPlane {
  /** Bits of one row for each pixel of the picture. */
  readonly bitsPerPixel: number;
  /** The plane has one row for this many of the picture. */
  readonly rowsPerRow: 1 | 2;
}

export interface PixelFormat {
  readonly fourcc: FourCC;
  readonly description: string;
  readonly encoding: Encoding;
  readonly planes: readonly PixelPlane[];
  /** Each plane lies in memory of its own: only multi-planar nodes have such formats. */
  readonly apart?: true;
}

const packed = (bitsPerPixel: number): readonly PixelPlane[] => [{ bitsPerPixel, rowsPerRow: 1 }];
const luma: PixelPlane = { bitsPerPixel: 8, rowsPerRow: 1 };
const halfChroma: PixelPlane = { bitsPerPixel: 4, rowsPerRow: 2 };
const bothChroma: PixelPlane = { bitsPerPixel: 8, rowsPerRow: 2 };

/** In the order in which ENUM_FMT lists them. The first is what an unknown one becomes. */
export const pixelFormats: readonly PixelFormat[] = [
  { fourcc: 'YUYV', description: 'YUYV 4:2:2', encoding: 'YCBCR', planes: packed(16) },
  { fourcc: 'UYVY', description: 'UYVY 4:2:2', encoding: 'YCBCR', planes: packed(16) },
  { fourcc: 'YVYU', description: 'YVYU 4:2:2', encoding: 'YCBCR', planes: packed(16) },
  { fourcc: 'VYUY', description: 'VYUY 4:2:2', encoding: 'YCBCR', planes: packed(16) },
  {
    fourcc: 'YU12',
    description: 'Planar YUV 4:2:0',
    encoding: 'YCBCR',
    planes: [luma, halfChroma, halfChroma],
  },
  {
    fourcc: 'YV12',
    description: 'Planar YVU 4:2:0',
    encoding: 'YCBCR',
    planes: [luma, halfChroma, halfChroma],
  },
  { fourcc: 'NV12', description: 'Y/UV 4:2:0', encoding: 'YCBCR', planes: [luma, bothChroma] },
  { fourcc: 'NV21', description: 'Y/VU 4:2:0', encoding: 'YCBCR', planes: [luma, bothChroma] },
  { fourcc: 'GREY', description: '8-bit Greyscale', encoding: 'LUMA', planes: packed(8) },
  { fourcc: 'RGB3', description: '24-bit RGB 8-8-8', encoding: 'RGB', planes: packed(24) },
  { fourcc: 'BGR3', description: '24-bit BGR 8-8-8', encoding: 'RGB', planes: packed(24) },
];

/** After those, on a multi-planar node. */
const formatsApart: readonly PixelFormat[] = [
  {
    ...{ fourcc: 'NM12', description: 'Y/UV 4:2:0 (N-C)', encoding: 'YCBCR', apart: true },
    planes: [luma, bothChroma],
  },
  {
    ...{ fourcc: 'YM12', description: 'Planar YUV 4:2:0 (N-C)', encoding: 'YCBCR', apart: true },
    planes: [luma, halfChroma, halfChroma],
  },
];

/** What ENUM_FMT lists. */
export const formatsOf = (multiplanar: boolean): readonly PixelFormat[] =>
  multiplanar ? allFormats : pixelFormats;

const allFormats = [...pixelFormats, ...formatsApart];

export const findFormat = (fourcc: string, multiplanar = true): PixelFormat | undefined =>
  formatsOf(multiplanar).find((format) => format.fourcc === fourcc);

/** struct v4l2_pix_format, as far as it is told. */
export interface PixFormat {
  readonly width: number;
  readonly height: number;
  readonly pixelformat: FourCC;
  readonly field: 'NONE';
  /** Bytes from one row to the next, of the first plane. */
  readonly bytesperline: number;
  readonly sizeimage: number;
  /** Bytes of each stretch of memory: one, or one for each plane that lies apart. */
  readonly planeSizes: readonly number[];
  readonly colorspace: 'SRGB';
}

/** What an application asks for; everything is clamped to what there is. */
export interface PixFormatRequest {
  readonly width: number;
  readonly height: number;
  readonly pixelformat: string;
  readonly bytesperline?: number;
}

/** vivid: MAX_ZOOM * MAX_WIDTH, the longest row it lets an application ask for, in pixels. */
const MAX_ROW = 4 * 3840;

/** Bytes of one row of plane p, when rows of the first plane are bytesperline apart. */
export function rowBytes(format: PixelFormat, p: number, bytesperline: number): number {
  return (bytesperline * format.planes[p]!.bitsPerPixel) / format.planes[0]!.bitsPerPixel;
}

/** Where plane p begins. */
export function planePos(
  format: PixelFormat,
  p: number,
  bytesperline: number,
  height: number,
): number {
  let pos = 0;
  for (let i = 0; i < p; i++) {
    pos += (rowBytes(format, i, bytesperline) * height) / format.planes[i]!.rowsPerRow;
  }
  return pos;
}

/** v4l2_find_nearest_size(): the least sum of the differences; the first of equals. */
export function nearestSize<S extends Pick<WebcamSize, 'width' | 'height'>>(
  sizes: readonly S[],
  width: number,
  height: number,
): S {
  const error = (s: S): number => Math.abs(s.width - width) + Math.abs(s.height - height);
  return sizes.reduce((best, s) => (error(s) < error(best) ? s : best));
}

/** TRY_FMT: what comes of a request. Nothing is refused. */
export function tryFormat(
  sizes: readonly Pick<WebcamSize, 'width' | 'height'>[],
  want: PixFormatRequest,
  multiplanar = false,
): PixFormat {
  const format = findFormat(want.pixelformat, multiplanar) ?? pixelFormats[0]!;
  const { width, height } = nearestSize(sizes, want.width, want.height);
  const bits = format.planes[0]!.bitsPerPixel;
  const least = (width * bits) >> 3;
  const most = (MAX_ROW * bits) >> 3;
  const bytesperline = Math.max(Math.min(want.bytesperline ?? 0, most), least);
  const ends = format.planes.map((_, p) => planePos(format, p + 1, bytesperline, height));
  const sizeimage = ends.at(-1)!;
  const apart = ends.map((end, p) => end - (ends[p - 1] ?? 0));
  return {
    width,
    height,
    pixelformat: format.fourcc,
    field: 'NONE',
    bytesperline,
    sizeimage,
    planeSizes: format.apart === true ? apart : [sizeimage],
    colorspace: 'SRGB',
  };
}
