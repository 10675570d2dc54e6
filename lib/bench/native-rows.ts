// Bench rows of the addon alone: pin and unpin, the busy scan, and copies against memcpy.

import { DaxDevice } from '../mm/dax-device.js';
import { native, type NativePageSpace } from '../native.js';
import { MiB, PAGE_SIZE } from '../units.js';
import { measure, scaled } from './measure.js';
import type { Row } from './row.js';

interface Pages {
  readonly space: NativePageSpace;
  readonly device: DaxDevice;
}

function pagesOf(size: number): Pages {
  const device = DaxDevice.memory(size);
  const space = new native.PageSpace();
  space.addRegion(device.region(0));
  space.setOpener(0, device.slot);
  return { space, device };
}

const million = 1_048_576;

function pinRows({ space }: Pages, effort: number): Row[] {
  const pin = (nrPages: number, batch: number) =>
    measure(scaled(effort, { batch, batches: 41 }), () => {
      space.pinRange(0, nrPages);
      space.unpinRange(0, nrPages);
    }).ns;
  return [
    { name: 'native pin+unpin, 1 page', value: pin(1, 20_000), unit: 'ns', bound: 100 },
    { name: 'native pin+unpin, 256 pages', value: pin(256, 400), unit: 'ns' },
    {
      name: 'native pin+unpin, 262,144 pages',
      value: pin(262_144, 1) / 262_144,
      unit: 'ns/page',
      bound: 8,
    },
  ];
}

function scanRow({ space }: Pages, effort: number): Row {
  space.pinRange(million - 1, 1);
  const { ns } = measure(scaled(effort, { batch: 100, batches: 41 }), () => {
    if (space.firstBusy(0, million) !== million - 1) throw new Error('the scan missed the page');
  });
  space.unpinRange(million - 1, 1);
  const name = 'busy scan of 1,048,576 pages, the last one pinned';
  return { name, value: ns / 1000, unit: 'µs', bound: 5 };
}

/** 1 MiB of DMA as a share of the addon's memcpy of 1 MiB, warm, page-aligned, in one run. */
function copyRows({ space }: Pages, effort: number): Row[] {
  const source = new Uint8Array(new SharedArrayBuffer(MiB)).fill(0x5a);
  const target = new Uint8Array(new SharedArrayBuffer(MiB));
  const whole = Uint32Array.from({ length: 256 }, (_, i) => i);
  const scattered = Uint32Array.from({ length: 256 }, (_, i) => ((i * 97) % 256) * 2);
  const timing = scaled(effort, { batch: 20, batches: 61 });
  const memcpy = measure(timing, () => native.memcpy(target, 0, source, 0, MiB)).ns;
  const dma = measure(timing, () => space.copyTo(whole, 0, source, 0, MiB)).ns;
  const parts = measure(timing, () => space.copyTo(scattered, 0, source, 0, MiB)).ns;
  const share = (ns: number) => (100 * memcpy) / ns;
  return [
    { name: 'memcpy of 1 MiB', value: memcpy / 1000, unit: 'µs' },
    {
      name: 'copy of 1 MiB into contiguous pages',
      value: share(dma),
      unit: '% of memcpy',
      bound: 80,
    },
    { name: 'copy of 1 MiB into 256 scattered pages', value: share(parts), unit: '% of memcpy' },
  ];
}

/** effort: see scaled(). */
export function nativeRows(effort = 1): Row[] {
  const pages = pagesOf(million * PAGE_SIZE);
  try {
    return [...pinRows(pages, effort), scanRow(pages, effort), ...copyRows(pages, effort)];
  } finally {
    pages.device.close();
  }
}
