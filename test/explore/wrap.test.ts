// Goal: lines fit, no word is lost or cut, and what hangs is set in.

import test from 'ava';
import fc from 'fast-check';
import { wrap, wrapHanging } from '../../lib/explore/wrap.js';

const words = fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1, maxLength: 20 });

for (const [name, fold] of Object.entries({ wrap, wrapHanging })) {
  test(`${name}: no line is wider than asked unless it is one word, and all words are there`, (t) => {
    fc.assert(
      fc.property(words, fc.integer({ min: 5, max: 40 }), (all, columns) => {
        const lines = fold(all.join(' '), columns);
        const alone = (line: string) => !line.trim().includes(' ');
        t.true(lines.every((line) => line.length <= columns || alone(line)));
        t.deepEqual(
          lines.flatMap((line) => line.trim().split(' ')),
          all,
        );
      }),
    );
  });
}

test('paragraphs stay apart, and a line goes as far as it can', (t) => {
  t.deepEqual(wrap('one two three\nfour', 8), ['one two', 'three', 'four']);
  t.deepEqual(wrapHanging('one two three four', 8), ['one two', '  three', '  four']);
  t.deepEqual(wrapHanging('one', 8), ['one']);
});
