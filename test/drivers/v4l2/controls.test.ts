// Goal: controls keep their range, refuse what is not there, and tell of changes once.

import test from 'ava';
import { isErrno } from '../../../lib/errno.js';
import {
  buttonControl,
  ControlHandler,
  integerControl,
  menuControl,
} from '../../../drivers/v4l2/controls.js';

function handler(): { controls: ControlHandler; applied: [string, number][] } {
  const controls = new ControlHandler();
  const applied: [string, number][] = [];
  const note = (id: string) => (value: number) => void applied.push([id, value]);
  controls.add(integerControl('gain', 'Gain', [-10, 10], 3), note('gain'));
  controls.add(menuControl('scene', 'Scene', ['day', 'night']), note('scene'));
  controls.add(buttonControl('snap', 'Snap'), note('snap'));
  return { controls, applied };
}

const code = (fn: () => unknown): string => {
  try {
    fn();
    return 'ok';
  } catch (e) {
    return isErrno(e) ? e.code : String(e);
  }
};

test('numbers are clamped, menu items out of range are ERANGE', (t) => {
  const { controls } = handler();
  t.is(controls.set('gain', 100), 10);
  t.is(controls.set('gain', -100), -10);
  t.is(
    code(() => controls.set('scene', 2)),
    'ERANGE',
  );
  t.is(
    code(() => controls.set('gain', 0.5)),
    'EINVAL',
  );
  t.is(controls.get('gain'), -10);
  t.is(controls.try('gain', 4), 4);
  t.is(controls.get('gain'), -10, 'TRY changes nothing');
});

test('what is not there is EINVAL, a button cannot be read', (t) => {
  const { controls } = handler();
  for (const fn of [
    () => controls.get('hue'),
    () => controls.set('hue', 1),
    () => controls.query('hue'),
    () => controls.menuItem('scene', 2),
    () => controls.menuItem('gain', 0),
  ]) {
    t.is(code(fn), 'EINVAL');
  }
  t.is(
    code(() => controls.get('snap')),
    'EACCES',
  );
  t.deepEqual(controls.query('snap').flags, ['WRITE_ONLY', 'EXECUTE_ON_WRITE']);
  t.is(controls.menuItem('scene', 1), 'night');
  t.deepEqual(
    controls.list().map(({ id }) => id),
    ['gain', 'scene', 'snap'],
  );
});

test('listeners hear of changes, and of every push of a button', (t) => {
  const { controls, applied } = handler();
  const heard: [string, number, unknown][] = [];
  const stop = controls.onChange(({ id }, value, by) => void heard.push([id, value, by]));
  controls.set('gain', 3);
  controls.set('gain', 4, 'me');
  controls.set('snap', 1);
  controls.set('snap', 1);
  stop();
  controls.set('gain', 5);
  t.deepEqual(heard, [
    ['gain', 4, 'me'],
    ['snap', 0, null],
    ['snap', 0, null],
  ]);
  t.is(applied.length, 5, 'the control takes effect each time');
});
