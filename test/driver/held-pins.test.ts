// Goal: what is held is listed in its order, and what is gone is not remembered, read or not.

import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { HeldPins } from '../../lib/driver/held-pins.js';
import type { PinnedPages } from '../../lib/mm/gup.js';

type Pin = { state: PinnedPages['state'] };
const newPin = (): Pin => ({ state: 'HELD' });
const asPins = (pin: Pin): PinnedPages => pin as unknown as PinnedPages;

test('a million short pins are not remembered though nobody reads the list', (t) => {
  const held = new HeldPins();
  const long = newPin();
  held.add(asPins(long));
  let most = 0;
  for (let i = 0; i < 1_000_000; i++) {
    const short = newPin();
    held.add(asPins(short));
    short.state = 'GONE';
    most = Math.max(most, held.nrRemembered);
  }
  t.true(most <= 64, `${most} at once`);
  t.deepEqual(held.list(), [asPins(long)]);
});

testProp(
  'the list is what was added and is not gone, oldest first; no more than twice the peak is kept',
  [fc.array(fc.integer({ min: -40, max: 40 }), { maxLength: 400 })],
  (t, acts) => {
    const held = new HeldPins();
    const model: Pin[] = [];
    let peak = 0;
    for (const act of acts) {
      if (act < 0) {
        const pin = model[-act % (model.length + 1)];
        if (pin === undefined) continue;
        pin.state = 'GONE';
        model.splice(model.indexOf(pin), 1);
      } else {
        const pin = newPin();
        held.add(asPins(pin));
        model.push(pin);
        peak = Math.max(peak, model.length);
      }
      t.true(held.nrRemembered <= Math.max(32, 2 * peak));
    }
    t.deepEqual(held.list(), model.map(asPins));
    t.is(held.nrRemembered, model.length);
  },
);
