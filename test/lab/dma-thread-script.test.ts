// Goal: the thread's script is JavaScript that needs nothing but Node.js, and says what failed.

import { Worker } from 'node:worker_threads';
import test from 'ava';
import { dmaThreadScript } from '../../lib/lab/dma-thread-script.js';

interface Answer {
  readonly id: number;
  readonly strangers: number;
  readonly error: string | null;
}

async function ask(message: object, region?: object): Promise<[Answer, Int32Array]> {
  const word = (): Int32Array => new Int32Array(new SharedArrayBuffer(4));
  const moved = word();
  const workerData = { moved, pause: word(), pauseMs: 0.01 };
  const worker = new Worker(dmaThreadScript, { eval: true, execArgv: [], workerData });
  try {
    if (region !== undefined) worker.postMessage({ space: 0, regions: [region] });
    worker.postMessage(message);
    return [await new Promise<Answer>((done) => worker.once('message', done)), moved];
  } finally {
    await worker.terminate();
  }
}

const page = {
  basePfn: 4,
  nrPages: 1,
  dataPos: 64,
  meta: new Uint32Array(new SharedArrayBuffer(32)),
};
const move = {
  id: 5,
  space: 0,
  pfns: Uint32Array.of(4),
  pos: 8,
  len: 3,
  owners: new Uint32Array(4),
};

test('bytes are put where the page lies, and counted', async (t) => {
  const buffer = new SharedArrayBuffer(64 + 4096);
  const from = { bytes: Uint8Array.of(1, 2, 3) };
  const [answer, moved] = await ask({ ...move, from }, { ...page, buffer });
  t.deepEqual(answer, { id: 5, strangers: 0, error: null });
  t.deepEqual([...new Uint8Array(buffer, 64 + 7, 5)], [0, 1, 2, 3, 0]);
  t.is(moved[0], 1);
});

test('a page of somebody else is counted, and written all the same: it only watches', async (t) => {
  const buffer = new SharedArrayBuffer(64 + 4096);
  const from = { bytes: Uint8Array.of(1, 2, 3) };
  const owners = Uint32Array.of(9, 9, 9, 9);
  const [answer] = await ask({ ...move, from, owners }, { ...page, buffer });
  t.is(answer.strangers, 1);
  t.is(new Uint8Array(buffer, 64 + 8, 1)[0], 1);
});

test('a page that is nowhere is an error, and counted too: nobody waits for ever', async (t) => {
  const [answer, moved] = await ask({ ...move, from: { bytes: new Uint8Array(3) } });
  t.regex(answer.error ?? '', /TypeError/);
  t.is(moved[0], 1);
});
