// Goal: every format packs a picture so that it can be unpacked again; shared chroma is the mean.

import test from 'ava';
import { bars75, sampleOf } from '../../../drivers/v4l2/colors.js';
import { findFormat, pixelFormats, tryFormat } from '../../../drivers/v4l2/formats.js';
import { packRows, unpackRGB, type Samples } from '../../../drivers/v4l2/packing.js';

const size = { width: 16, height: 4 };
const fmtOf = (pixelformat: string) => tryFormat([size], { ...size, pixelformat });

/** Eight bars, two pixels each. */
function barSamples(pixelformat: string): Samples {
  const { encoding } = findFormat(pixelformat)!;
  const bytes = new Uint8Array(size.width * size.height * 3);
  for (let i = 0; i < size.width * size.height; i++) {
    bytes.set(sampleOf(bars75[(i % size.width) >> 1]!, encoding), i * 3);
  }
  return { ...size, bytes };
}

for (const { fourcc, encoding } of pixelFormats) {
  test(`${fourcc}: bars packed and unpacked are the bars`, (t) => {
    const fmt = fmtOf(fourcc);
    const frame = new Uint8Array(fmt.sizeimage);
    packRows(barSamples(fourcc), fmt, frame, 0, size.height);
    const rgb = unpackRGB(frame, fmt);
    for (let i = 0; i < size.width * size.height; i++) {
      const bar = bars75[(i % size.width) >> 1]!;
      const want = encoding === 'LUMA' ? sampleOf(bar, 'LUMA') : bar;
      for (let c = 0; c < 3; c++) t.true(Math.abs(rgb[i * 3 + c]! - want[c]!) <= 5, `${i} ${c}`);
    }
  });
}

test('YUYV stores Y Cb Y Cr, and two pixels share the mean of their chroma', (t) => {
  const samples: Samples = { width: 2, height: 1, bytes: Uint8Array.of(10, 20, 30, 11, 40, 60) };
  const fmt = { ...fmtOf('YUYV'), width: 2, height: 1, bytesperline: 4, sizeimage: 4 };
  const frame = new Uint8Array(4);
  packRows(samples, fmt, frame, 0, 1);
  t.deepEqual([...frame], [10, 30, 11, 45]);
});

test('NV12 stores one Cb Cr pair for four pixels', (t) => {
  const bytes = Uint8Array.of(1, 10, 100, 2, 20, 120, 3, 30, 140, 4, 40, 160);
  const fmt = { ...fmtOf('NV12'), width: 2, height: 2, bytesperline: 2, sizeimage: 6 };
  const frame = new Uint8Array(6);
  packRows({ width: 2, height: 2, bytes }, fmt, frame, 0, 2);
  t.deepEqual([...frame], [1, 2, 3, 4, 25, 130]);
});

test('rows longer than the picture leave the rest alone', (t) => {
  const fmt = tryFormat([size], { ...size, pixelformat: 'GREY', bytesperline: 20 });
  const frame = new Uint8Array(fmt.sizeimage).fill(7);
  packRows(barSamples('GREY'), fmt, frame, 0, size.height);
  t.deepEqual([...frame.subarray(16, 20)], [7, 7, 7, 7]);
});
