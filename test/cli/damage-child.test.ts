// Goal: each kind of damage can be tried in shares, which together are the whole.

import test from 'ava';
import { damageNames, damages } from '../../lib/cli/damage-child.js';

test('the shares of a damage try every image once', async (t) => {
  for (const what of damageNames) {
    const stride = what === 'the file cut off' ? 1 : 20_011;
    const tried = async (index: number, of: number): Promise<number> => {
      const report = await damages[what](stride, 1, { index, of });
      t.deepEqual(report.failures, [], what);
      return report.images;
    };
    const whole = await tried(0, 1);
    t.is((await tried(0, 2)) + (await tried(1, 2)), whole, what);
  }
});
