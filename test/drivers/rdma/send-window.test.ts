// Goal: messages on the wire complete in order, each once; one answer speaks for those before it;
//   from a hole on all is sent again, as often as the attributes say.

import test from 'ava';
import type { SendWQE } from '../../../drivers/rdma/queue-pair.js';
import { type InFlight, SendWindow } from '../../../drivers/rdma/send-window.js';
import type { WireRequest, WireResponse } from '../../../drivers/rdma/wire.js';
import { rnrTimerNs } from '../../../drivers/rdma/wire.js';

const limits = { timeoutNs: 1000, retryCnt: 2, rnrRetry: 1, retryCnt7IsForever: false };
const ack: WireResponse = { syndrome: 'ACK' };

const request = (seq: number, kind: WireRequest['kind'] = 'write', len = 1): WireRequest => ({
  ...{ kind, srcGid: 'a', srcQPN: 17, destGid: 'b', destQPN: 18, seq, len, mtu: 1024 },
  ...{ payload: null, complete: true, remoteAddr: 0, rkey: 0, solicited: false },
  ...{ compare: 0n, swapOrAdd: 0n },
});

function filled(kinds: readonly WireRequest['kind'][], first = 0, more = {}) {
  const window = new SendWindow();
  const entries = kinds.map((kind, i) => {
    const wqe: SendWQE = { wr: { wrId: i, opcode: 'SEND' }, len: 1, inline: null, ah: null };
    const message = { wqe, request: request((first + i) & 0xffffff, kind), failing: null };
    return window.add(message, { ...limits, ...more });
  });
  return { window, entries };
}

/** Send what is to be sent; the numbers, and each round. */
function sendAll(window: SendWindow, nowNs = 0) {
  const sent: number[] = [];
  const rounds = new Map<InFlight, number>();
  for (let e = window.nextToSend(nowNs); e !== undefined; e = window.nextToSend(nowNs)) {
    rounds.set(e, window.sent(e, nowNs));
    sent.push(e.request.seq);
  }
  return { sent, rounds };
}

function finishedOf(window: SendWindow, nowNs = 0): (number | string)[] {
  const out: (number | string)[] = [];
  for (let e = window.takeFinished(nowNs); e !== undefined; e = window.takeFinished(nowNs)) {
    out.push(e.failure?.status ?? e.request.seq);
  }
  return out;
}

test('one answer speaks for every SEND and WRITE before it', (t) => {
  const { window, entries } = filled(['write', 'send', 'write', 'write']);
  t.deepEqual(sendAll(window).sent, [0, 1, 2, 3]);
  window.answered(entries[2]!, 0, ack, 1);
  t.deepEqual(finishedOf(window), [0, 1, 2]);
  t.is(window.length, 1);
  window.answered(entries[2]!, 0, ack, 2);
  t.false(window.hasFinished, 'an answer that comes twice says nothing new');
});

test('a READ whose answer is missing is asked again, and what follows waits for it', (t) => {
  const { window, entries } = filled(['read', 'write', 'atomic']);
  sendAll(window);
  t.is(window.nrFetches, 2);
  window.answered(entries[1]!, 0, ack, 1);
  t.deepEqual(finishedOf(window), []);
  t.deepEqual(sendAll(window).sent, [0]);
  window.answered(entries[2]!, 0, { ...ack, old: 5n }, 2);
  t.deepEqual(sendAll(window).sent, [], 'once, whatever else is answered');
  window.answered(entries[0]!, 0, ack, 3);
  t.deepEqual(finishedOf(window), [0, 1, 2]);
});

test('from a hole on all is sent again; answers of an earlier round do not do it twice', (t) => {
  const { window, entries } = filled(['write', 'write', 'write', 'write'], 0xfffffe);
  const { sent } = sendAll(window);
  t.deepEqual(sent, [0xfffffe, 0xffffff, 0, 1], 'numbers have 24 bits');
  const hole: WireResponse = { syndrome: 'NAK_SEQ', expected: 0xffffff };
  window.answered(entries[2]!, 0, hole, 1);
  t.deepEqual(finishedOf(window), [0xfffffe]);
  t.deepEqual(sendAll(window).sent, [0xffffff, 0, 1]);
  window.answered(entries[3]!, 0, hole, 2);
  t.deepEqual(sendAll(window).sent, []);
  window.answered(entries[3]!, 1, ack, 3);
  t.deepEqual(finishedOf(window), [0xffffff, 0, 1]);
});

test('no answer in time: everything again, retry_cnt times without progress', (t) => {
  const { window, entries } = filled(['write', 'write']);
  sendAll(window, 0);
  t.is(window.deadlineNs, 1000);
  window.expire(999);
  t.deepEqual(sendAll(window).sent, []);
  window.expire(1000);
  t.deepEqual(sendAll(window, 1000).sent, [0, 1]);
  t.is(window.deadlineNs, 2000);
  window.answered(entries[0]!, 1, ack, 1500);
  t.deepEqual(finishedOf(window, 1500), [0]);
  for (const now of [2500, 3500]) {
    window.expire(now);
    t.deepEqual(sendAll(window, now).sent, [1], 'the count begins anew after progress');
  }
  window.expire(4500);
  t.deepEqual(finishedOf(window), ['RETRY_EXC_ERR']);
});

test('retry_cnt 7 is for ever where the kernel has it so', (t) => {
  for (const retryCnt7IsForever of [true, false]) {
    const { window } = filled(['write'], 0, { retryCnt: 7, retryCnt7IsForever });
    for (let now = 0; now < 20_000; now += 1000) {
      sendAll(window, now);
      window.expire(now + 1000);
    }
    t.deepEqual(finishedOf(window), retryCnt7IsForever ? [] : ['RETRY_EXC_ERR']);
  }
});

test('a receiver that is not ready holds everything back for its timer', (t) => {
  const { window, entries } = filled(['send', 'send', 'send']);
  sendAll(window);
  window.answered(entries[1]!, 0, { syndrome: 'RNR', rnrTimer: 1 }, 100);
  window.answered(entries[2]!, 0, { syndrome: 'NAK_SEQ', expected: 1 }, 100);
  t.deepEqual(finishedOf(window), [0]);
  const until = 100 + rnrTimerNs(1);
  t.is(window.deadlineNs, until);
  t.deepEqual(sendAll(window, until - 1).sent, []);
  t.deepEqual(sendAll(window, until).sent, [1, 2]);
  window.answered(entries[1]!, 1, { syndrome: 'RNR', rnrTimer: 1 }, until);
  t.deepEqual(sendAll(window, 2 * until).sent, [1, 2], 'progress gave it its tries back');
  window.answered(entries[1]!, 2, { syndrome: 'RNR', rnrTimer: 1 }, until);
  t.deepEqual(finishedOf(window), ['RNR_RETRY_EXC_ERR']);
});

test('nothing is sent behind a message that failed; a final NAK ends in its turn', (t) => {
  const { window, entries } = filled(['write', 'write', 'write']);
  const first = window.nextToSend(0)!;
  window.sent(first, 0);
  entries[1]!.failure = { status: 'LOC_PROT_ERR', local: true };
  t.is(window.nextToSend(0), undefined);
  t.is(window.deadlineNs, 1000);
  window.answered(first, 0, { syndrome: 'NAK_ACCESS' }, 1);
  t.is(window.takeFinished(1)?.answer?.syndrome, 'NAK_ACCESS');
  t.deepEqual(
    window.clear().map(({ wr }) => wr.wrId),
    [1, 2],
  );
  t.is(window.deadlineNs, Infinity);
});

test('at most 2^22 packets are on the wire, so that old and new numbers are told apart', (t) => {
  const window = new SendWindow();
  const wqe: SendWQE = { wr: { wrId: 0, opcode: 'RDMA_READ' }, len: 1, inline: null, ah: null };
  t.true(window.hasRoom);
  window.add({ wqe, request: request(0xffff00, 'read', 2 ** 31), failing: null }, limits);
  t.true(window.hasRoom);
  window.add({ wqe, request: request(0x1fff00, 'read', 2 ** 31), failing: null }, limits);
  t.false(window.hasRoom);
});
