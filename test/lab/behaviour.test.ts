// Goal: the seven behaviours of the design and their mixture are there, and each is its own.

import test from 'ava';
import { behaviours, mixed } from '../../lib/lab/behaviour.js';
import { behaviourNames } from '../../lib/lab/cell.js';

test('each name has its behaviour, which differs from all others in what it does', (t) => {
  t.deepEqual(Object.keys(behaviours).sort(), [...behaviourNames].sort());
  const acts = behaviourNames
    .filter((name) => name !== 'mixture')
    .map((name) => {
      const { name: _name, says: _says, ...does } = behaviours[name];
      return JSON.stringify(does);
    });
  t.is(new Set(acts).size, acts.length);
});

test('who cooperates lets go when told, who ignores does not, who is late lets go late', (t) => {
  t.is(behaviours.cooperates.whenTold, 'lets-go');
  t.is(behaviours.ignores.whenTold, 'nothing');
  t.is(behaviours['answers-late'].whenTold, 'lets-go-late');
});

test('both orders of descriptors are among the exits', (t) => {
  const orders = behaviourNames.map((name) => behaviours[name].exits).filter((o) => o !== null);
  t.deepEqual(orders.sort(), ['data-first', 'device-first']);
});

test('a mixture is of one of each: all that are no mixture, and of the two exits one', (t) => {
  const others = behaviourNames.filter((n) => n !== 'mixture' && n !== 'exits-data-first');
  t.deepEqual([...mixed].sort(), [...others].sort());
});
