// Goal: side tables say what they note, and before it changes.

import test from 'ava';
import { listenToSideTables, notedAbout, SideTable } from '../../lib/sched/index.js';

test('a note is found by its key, until it is deleted', (t) => {
  const table = new SideTable<object, string>();
  const key = {};
  t.false(table.has(key));
  table.set(key, 'a');
  t.is(table.get(key), 'a');
  t.deepEqual([...notedAbout(key)], ['a']);
  table.delete(key);
  t.is(table.get(key), undefined);
  t.deepEqual([...notedAbout(key)], []);
});

test('a listener hears what was there before each change, until it stops', (t) => {
  const table = new SideTable<object, number>();
  const key = {};
  const heard: unknown[] = [];
  const stop = listenToSideTables({ changing: (_table, _key, before) => heard.push(before) });
  table.set(key, 1);
  table.set(key, 2);
  table.delete(key);
  stop();
  table.set(key, 3);
  t.deepEqual(heard, [undefined, 1, 2]);
});

test('what two tables note about one object is told together', (t) => {
  const [one, two] = [new SideTable<object, number>(), new SideTable<object, number>()];
  const key = {};
  one.set(key, 1);
  two.set(key, 2);
  t.deepEqual([...notedAbout(key)].sort(), [1, 2]);
});
