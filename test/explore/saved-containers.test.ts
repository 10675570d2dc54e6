// Goal: a list, map or set is put back to its elements and their order, whatever was done to it.
// Method: random changes, by fast-check, to containers that were full or empty.

import test from 'ava';
import fc from 'fast-check';
import { SavedLists, SavedMaps, SavedSets } from '../../lib/explore/saved-containers.js';

const value = fc.integer({ min: 0, max: 5 });
const values = fc.array(value, { maxLength: 8 });
const change = fc.record({
  what: fc.constantFrom('add', 'remove', 'clear', 'move'),
  key: value,
  value,
});
const changes = fc.array(change, { maxLength: 12 });

test('lists', (t) => {
  fc.assert(
    fc.property(values, changes, (before, done) => {
      const list = [...before];
      const saved = new SavedLists();
      saved.add(list);
      for (let round = 0; round < 2; round++) {
        for (const { what, key, value: v } of done) {
          if (what === 'add') list.push(v);
          else if (what === 'remove') list.splice(key, 1);
          else if (what === 'clear') list.length = 0;
          else list.reverse();
        }
        saved.restore();
        t.deepEqual(list, before);
      }
    }),
  );
});

test('maps', (t) => {
  fc.assert(
    fc.property(fc.array(fc.tuple(value, value), { maxLength: 8 }), changes, (before, done) => {
      const map = new Map(before);
      const entries = [...map];
      const saved = new SavedMaps();
      saved.add(map);
      for (let round = 0; round < 2; round++) {
        for (const { what, key, value: v } of done) {
          if (what === 'add') map.set(key, v);
          else if (what === 'remove') map.delete(key);
          else if (what === 'clear') map.clear();
          else if (map.delete(key)) map.set(key, v); // the same key, last now
        }
        saved.restore();
        t.deepEqual([...map], entries);
      }
    }),
  );
});

test('sets', (t) => {
  fc.assert(
    fc.property(values, changes, (before, done) => {
      const set = new Set(before);
      const members = [...set];
      const saved = new SavedSets();
      saved.add(set);
      for (let round = 0; round < 2; round++) {
        for (const { what, key, value: v } of done) {
          if (what === 'add') set.add(v);
          else if (what === 'remove') set.delete(key);
          else if (what === 'clear') set.clear();
          else if (set.delete(key)) set.add(key);
        }
        saved.restore();
        t.deepEqual([...set], members);
      }
    }),
  );
});
