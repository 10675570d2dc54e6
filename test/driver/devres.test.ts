// Goal: managed actions run once, last first, whatever some of them throw.

import test from 'ava';
import { Devres } from '../../lib/driver/devres.js';

test('actions run last first, once, and a failing one keeps none from running', (t) => {
  const devres = new Devres();
  const ran: string[] = [];
  devres.add(() => ran.push('first'));
  devres.add(() => {
    throw new Error('second fails');
  });
  devres.add(() => ran.push('third'));
  const errors = devres.releaseAll();
  t.deepEqual(ran, ['third', 'first']);
  t.deepEqual(errors.map(String), ['Error: second fails']);
  t.is(devres.count, 0);
  t.deepEqual(devres.releaseAll(), []);
});
