// Goal: an object of the library is taken only where its kind is asked for.

import test from 'ava';
import { CQ, handleOf, PD, QP } from '../../../drivers/rdma/verbs-objects.js';

test('the handle of an object of the kind, EINVAL for anything else', (t) => {
  const pd = new PD(3);
  t.is(handleOf(PD, pd), 3);
  t.is(handleOf(QP, new QP(4, 17, 'RC', pd)), 4);
  for (const other of [new CQ(1, 1), null, undefined, 3, { handle: 3 }]) {
    t.throws(() => handleOf(PD, other as PD), { message: /^EINVAL: a PD is needed/ });
  }
});
