// Goal: what an application asks for is clamped to what there is, as vivid does, and a picture
//   takes as many bytes as its planes.

import test from 'ava';
import {
  findFormat,
  nearestSize,
  pixelFormats,
  planePos,
  rowBytes,
  tryFormat,
} from '../../../drivers/v4l2/formats.js';
import { v4l2Rules } from '../../../drivers/v4l2/rules.js';

const { webcamSizes } = v4l2Rules['6.12'];

const cases: [fourcc: string, bytesperline: number, sizeimage: number][] = [
  ['YUYV', 1280, 460800],
  ['UYVY', 1280, 460800],
  ['NV12', 640, 345600],
  ['NV21', 640, 345600],
  ['YU12', 640, 345600],
  ['GREY', 640, 230400],
  ['RGB3', 1920, 691200],
  ['BGR3', 1920, 691200],
];

for (const [pixelformat, bytesperline, sizeimage] of cases) {
  test(`640x360 ${pixelformat} takes ${sizeimage} bytes, ${bytesperline} a row`, (t) => {
    const fmt = tryFormat(webcamSizes, { width: 640, height: 360, pixelformat });
    t.like(fmt, { width: 640, height: 360, pixelformat, bytesperline, sizeimage });
  });
}

test('an unknown format becomes the first', (t) => {
  const fmt = tryFormat(webcamSizes, { width: 640, height: 360, pixelformat: 'MJPG' });
  t.is(fmt.pixelformat, pixelFormats[0]!.fourcc);
  t.is(findFormat('MJPG'), undefined);
});

test('the nearest size has the least sum of differences, the first of equals wins', (t) => {
  const at = (width: number, height: number) => nearestSize(webcamSizes, width, height);
  t.like(at(0, 0), { width: 320, height: 180 });
  t.like(at(320, 360), { width: 320, height: 180 });
  t.like(at(640, 420), { width: 640, height: 360 });
  t.like(at(100000, 1), { width: 3840, height: 2160 });
  t.like(nearestSize(v4l2Rules['7.2'].webcamSizes, 320, 360), { width: 320, height: 240 });
});

test('rows may be longer than the picture, up to a limit', (t) => {
  const want = { width: 640, height: 360, pixelformat: 'YUYV' };
  t.like(tryFormat(webcamSizes, { ...want, bytesperline: 2000 }), {
    bytesperline: 2000,
    sizeimage: 720000,
  });
  t.is(tryFormat(webcamSizes, { ...want, bytesperline: 1 }).bytesperline, 1280);
  t.is(tryFormat(webcamSizes, { ...want, bytesperline: 1e9 }).bytesperline, 4 * 3840 * 2);
});

test('planes follow each other', (t) => {
  const yu12 = findFormat('YU12')!;
  t.is(planePos(yu12, 1, 640, 360), 640 * 360);
  t.is(planePos(yu12, 2, 640, 360), 640 * 360 + 320 * 180);
  t.is(rowBytes(yu12, 1, 640), 320);
});
