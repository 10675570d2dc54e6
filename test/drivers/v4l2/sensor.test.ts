// Goal: the sensor sends the frame of its mode, its scene and its number, in pieces, and nothing
//   else; a change of mode, scene or picture shows in the next frame.

import test from 'ava';
import { tryFormat } from '../../../drivers/v4l2/formats.js';
import { readCounter } from '../../../drivers/v4l2/patterns.js';
import { Sensor } from '../../../drivers/v4l2/sensor.js';

const mode = (pixelformat: string) =>
  tryFormat([{ width: 640, height: 360 }], { width: 640, height: 360, pixelformat });

function sensorOf(pixelformat: string): Sensor {
  const sensor = new Sensor();
  sensor.configure(mode(pixelformat));
  return sensor;
}

async function sent(
  sensor: Sensor,
  sequence: number,
): Promise<{ bytes: Uint8Array; pieces: number }> {
  const bytes = new Uint8Array(sensor.mode!.sizeimage);
  let pieces = 0;
  await sensor.expose(
    {
      async write(pos, source) {
        bytes.set(source, pos);
        pieces++;
      },
    },
    sequence,
  );
  return { bytes, pieces };
}

test('a frame is sent whole, in pieces of 64 KiB', async (t) => {
  const sensor = sensorOf('YUYV');
  const { bytes, pieces } = await sent(sensor, 0);
  t.is(pieces, Math.ceil(bytes.length / 65536));
  t.deepEqual(bytes, sensor.render(0));
  t.deepEqual([...bytes.subarray(0, 4)], [179, 128, 179, 128]);
});

test('a sensor without a mode is a mistake', (t) => {
  t.throws(() => new Sensor().render(0), { message: /not configured/ });
});

test('the counter shows the number of every frame, in every format with Y first', async (t) => {
  for (const pixelformat of ['GREY', 'NV12', 'YU12']) {
    const sensor = sensorOf(pixelformat);
    sensor.pattern = 'Counter';
    for (const sequence of [0, 1, 77]) {
      const { bytes } = await sent(sensor, sequence);
      t.is(readCounter(bytes.subarray(0, 640)), sequence, pixelformat);
    }
  }
});

test('scene, picture and mode show at once', (t) => {
  const sensor = sensorOf('GREY');
  const first = sensor.render(0).slice();
  sensor.adjustment = { ...sensor.adjustment, brightness: 200 };
  t.notDeepEqual(sensor.render(0), first);
  sensor.pattern = 'Gray Ramp';
  t.is(sensor.render(0)[0], 72);
  sensor.configure(mode('RGB3'));
  t.is(sensor.render(0).length, mode('RGB3').sizeimage);
});

test('a target that fails ends the frame there', async (t) => {
  const sensor = sensorOf('YUYV');
  let pieces = 0;
  const target = {
    async write() {
      if (++pieces === 3) throw new Error('gone');
    },
  };
  await t.throwsAsync(sensor.expose(target, 0), { message: 'gone' });
  t.is(pieces, 3);
});
