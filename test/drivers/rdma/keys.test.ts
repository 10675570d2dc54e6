// Goal: a key is reserved until it is freed, and comes back as another number.

import test from 'ava';
import {
  indexOf,
  isWindowKey,
  KeyTable,
  MR_INDEXES,
  MW_INDEXES,
  withVariant,
} from '../../../drivers/rdma/keys.js';

test('keys are distinct while reserved, and a freed index comes back with another variant', (t) => {
  const table = new KeyTable<{ key: number }>({ first: 1, last: 3 });
  const made = [1, 2, 3].map(() => table.alloc((key) => ({ key })));
  t.is(new Set(made.map(({ key }) => key)).size, 3);
  t.throws(() => table.alloc((key) => ({ key })), { message: /^ENOMEM/ });
  const [, second] = made;
  table.free(second!.key);
  const again = table.alloc((key) => ({ key }));
  t.is(indexOf(again.key), indexOf(second!.key));
  t.not(again.key, second!.key);
  t.is(table.get(second!.key), again, 'the index is found; the variant is for the caller to see');
  t.throws(() => table.free(0x900), { message: /not reserved/ });
});

test('variants run through 255 values before one comes again', (t) => {
  const table = new KeyTable<number>({ first: 1, last: 300 });
  const variants = Array.from({ length: 255 }, () => table.alloc((key) => key) & 0xff);
  t.is(new Set(variants).size, 255);
  t.false(variants.includes(0));
});

test('regions and windows are told apart by their index', (t) => {
  t.false(isWindowKey(MR_INDEXES.last * 256 + 7));
  t.true(isWindowKey(MW_INDEXES.first * 256));
  t.is(withVariant(0x12345678, 0x1ff), 0x123456ff);
});
