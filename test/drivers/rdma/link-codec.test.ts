// Goal: a message that crossed the wire is the message that was sent, and no field of a message
// from outside is believed: each that is out of range or of another type is EPROTO.

import test from 'ava';
import * as codec from '../../../drivers/rdma/link-codec.js';
import { bytesPayload } from '../../../drivers/rdma/payload.js';
import type { WireRequest, WireResponse } from '../../../drivers/rdma/wire.js';
import { isErrno } from '../../../lib/errno.js';

const request: WireRequest = {
  ...{ kind: 'write', srcGid: 'fe80::a', srcQPN: 17, destGid: 'fe80::b', destQPN: 18 },
  ...{ seq: 3, len: 5, mtu: 1024, payload: bytesPayload(Uint8Array.of(1, 2, 3, 4, 5)) },
  ...{ complete: true, remoteAddr: 4096, rkey: 0x1ff, solicited: false },
  ...{ compare: 0n, swapOrAdd: 2n ** 64n - 1n, immData: 7 },
};

test('requests and answers come out as they went in', (t) => {
  const sent = Buffer.concat(codec.encodeRequest(9, request));
  t.deepEqual(codec.decodeRequest(sent), { id: 9, request });
  const answers: WireResponse[] = [
    { syndrome: 'ACK' },
    { syndrome: 'ACK', payload: bytesPayload(Uint8Array.of(9, 8)) },
    { syndrome: 'ACK', old: 2n ** 63n },
    { syndrome: 'RNR', rnrTimer: 12 },
    { syndrome: 'NAK_SEQ', expected: 4 },
  ];
  for (const answer of answers) {
    const bytes = Buffer.concat(codec.encodeResponse(1, answer));
    t.deepEqual(codec.decodeResponse(bytes), { id: 1, answer });
  }
  t.is(codec.decodeHello(Buffer.concat(codec.encodeHello('fe80::c'))), 'fe80::c');
});

const lies: [what: string, over: Record<string, unknown>][] = [
  ['a kind that is none', { kind: 'format' }],
  ['a length that its bytes do not have', { len: 6 }],
  ['fewer bytes than it carries', { len: 4, complete: false }],
  ['a read with bytes', { kind: 'read' }],
  ['an atomic that is none', { kind: 'atomic', len: 0 }],
  ['an rkey of 33 bits', { rkey: 2 ** 32 }],
  ['a queue pair that is no number', { destQPN: '18' }],
  ['a length that is no number', { len: null }],
  ['a negative sequence number', { seq: -1 }],
  ['a sequence number of 25 bits', { seq: 2 ** 24 }],
  ['packets of no bytes', { mtu: 0 }],
  ['an address that is no whole number', { remoteAddr: 0.5 }],
  ['an address that is no text', { srcGid: 5 }],
  ['a flag that is no flag', { solicited: 1 }],
];

for (const [what, over] of lies) {
  test(`${what} is EPROTO`, (t) => {
    const bytes = Buffer.concat(codec.encodeRequest(9, { ...request, ...over } as WireRequest));
    const e = t.throws(() => codec.decodeRequest(bytes));
    t.true(isErrno(e, 'EPROTO'), String(e));
  });
}

test('what has no head, or another than JSON, is EPROTO', (t) => {
  for (const bytes of [[], [0, 0, 0, 9, 1], [0, 0, 0, 1, 0x7b], [0, 0, 0, 1, 0x35]]) {
    t.true(
      isErrno(
        t.throws(() => codec.decodeHello(Uint8Array.from(bytes))),
        'EPROTO',
      ),
    );
  }
});
