// Goal: a slot belongs to one opener; recovery resets the dead one's groups and nothing else.
// Method: one memory file with several descriptions, which are openers as far as locks can tell.

import test from 'ava';

import { encodeInfoBlock, layoutOf } from '../../lib/mm/dax-info-block.js';
import { Openers } from '../../lib/mm/dax-openers.js';
import { native } from '../../lib/native.js';
import { MiB } from '../../lib/units.js';

const layout = layoutOf(8 * MiB);

function newDevice() {
  const file = native.memoryFile('openers');
  file.setSize(layout.fileLen);
  const { buffer } = file.map();
  new Uint8Array(buffer).set(encodeInfoBlock(layout));
  const path = `/proc/${process.pid}/fd/${file.fd}`;
  const open = () => {
    const own = native.openFile(path, false);
    const openers = new Openers(own, buffer, layout);
    openers.recover();
    openers.claim();
    return { openers, file: own };
  };
  const pin = (slot: number, pfn: number, nrPages: number) => {
    const space = new native.PageSpace();
    space.setOpener(space.addRegion({ ...layout, buffer, basePfn: 0, nrSlots: 16 }), slot);
    space.pinRange(pfn, nrPages);
    return space;
  };
  const words = new BigUint64Array(buffer, layout.countersPos, layout.nrPages);
  return { open, pin, words };
}

test('slots are taken in order and given back', (t) => {
  const { open } = newDevice();
  const [a, b] = [open(), open()];
  t.deepEqual([a.openers.slot, b.openers.slot], [0, 1]);
  a.openers.leave();
  a.file.close();
  t.is(open().openers.slot, 0);
  t.is(b.openers.list().length, 2);
  t.true(b.openers.list().every(({ pid, alive }) => pid === process.pid && alive));
  t.true(b.openers.list().every(({ startTime }) => startTime > 0));
});

test('a dead opener that held nothing is forgotten while others live', (t) => {
  const { open } = newDevice();
  const [a, b] = [open(), open()];
  a.file.close(); // as a crash does: no leave()
  t.deepEqual(
    b.openers.list().map(({ alive }) => alive),
    [false, true],
  );
  t.is(open().openers.slot, 0);
});

test('recovery resets whole groups of the dead, not those that none of them was in', (t) => {
  const { open, pin, words } = newDevice();
  const a = open();
  pin(a.openers.slot, 600, 10);
  words[5] = 77n; // no opener's: nothing that recovery knows of
  a.file.close();
  const b = open();
  t.is(words[600], 0n);
  t.is(words[5], 77n);
  t.is(b.openers.slot, 0);
});

test('quarantined groups are joined, and cut at the end of the device', (t) => {
  const { open, pin } = newDevice();
  const [a, b, c] = [open(), open(), open()];
  pin(a.openers.slot, 0, 1);
  pin(b.openers.slot, 513, 1);
  pin(b.openers.slot, 2047, 1);
  t.deepEqual(c.openers.quarantined(), []);
  a.file.close();
  t.deepEqual(c.openers.quarantined(), [{ start: 0, nrPages: 512 }]);
  b.file.close();
  t.deepEqual(c.openers.quarantined(), [
    { start: 0, nrPages: 1024 },
    { start: 1536, nrPages: 512 },
  ]);
});
