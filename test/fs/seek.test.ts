// Goal: SEEK_DATA and SEEK_HOLE find what a file has, on every kind.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { bytesOf, FsMachine, PAGES } from './fs-fixture.js';

const kinds = [
  ['ext4', true],
  ['ext4', false],
  ['tmpfs', false],
] as const;

for (const [flavor, dax] of kinds) {
  test(`${flavor} (dax ${dax}): data and holes alternate, and the end is a hole`, async (t) => {
    const m = new FsMachine();
    const fs = await m.make(flavor, { dax });
    const app = m.process();
    const f = await app.open(fs, '/f');
    await app.write(f, PAGES(2), bytesOf('d', PAGES(1)));
    await app.write(f, PAGES(5), bytesOf('d', 100));
    t.is(f.seek('data', 0), PAGES(2));
    t.is(f.seek('data', PAGES(2) + 7), PAGES(2) + 7);
    t.is(f.seek('hole', 0), 0);
    t.is(f.seek('hole', PAGES(2)), PAGES(3));
    t.is(f.seek('data', PAGES(3)), PAGES(5));
    t.is(f.seek('hole', PAGES(5)), PAGES(5) + 100);
    for (const at of [-1, PAGES(5) + 100, 2 ** 50]) {
      t.true(
        isErrno(
          t.throws(() => f.seek('data', at)),
          'ENXIO',
        ),
      );
      t.true(
        isErrno(
          t.throws(() => f.seek('hole', at)),
          'ENXIO',
        ),
      );
    }
    await app.truncate(f, PAGES(8));
    t.true(
      isErrno(
        t.throws(() => f.seek('data', PAGES(6))),
        'ENXIO',
      ),
    );
    await m.end(t);
  });
}

test('blocks that were only allocated are a hole', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('xfs', { dax: true });
  const app = m.process();
  const f = await app.open(fs, '/f');
  await app.call((c) => f.fallocate(c, 'alloc', 0, PAGES(4)));
  t.is(f.seek('hole', 0), 0);
  await app.write(f, PAGES(1), 'x');
  t.is(f.seek('data', 0), PAGES(1));
  await m.end(t);
});
