// Goal: a frame becomes a PNG whose pixels are those of the frame.

import test from 'ava';
import { decode } from 'fast-png';
import { bars75 } from '../../../drivers/v4l2/colors.js';
import { tryFormat } from '../../../drivers/v4l2/formats.js';
import { encodePNG } from '../../../drivers/v4l2/png.js';
import { Sensor } from '../../../drivers/v4l2/sensor.js';

for (const pixelformat of ['YUYV', 'NV12', 'RGB3', 'GREY']) {
  test(`a ${pixelformat} frame of colour bars decodes to colour bars`, (t) => {
    const sensor = new Sensor();
    const mode = tryFormat([{ width: 320, height: 180 }], { width: 0, height: 0, pixelformat });
    sensor.configure(mode);
    const png = decode(encodePNG(sensor.render(0), mode));
    t.like(png, { width: 320, height: 180, channels: 3, depth: 8 });
    for (let bar = 0; bar < 8; bar++) {
      const at = (90 * 320 + bar * 40 + 20) * 3;
      const rgb = [...png.data.subarray(at, at + 3)];
      if (pixelformat === 'GREY') t.is(new Set(rgb).size, 1);
      else rgb.forEach((v, i) => t.true(Math.abs(v - bars75[bar]![i]!) <= 5, `bar ${bar}: ${rgb}`));
    }
  });
}
