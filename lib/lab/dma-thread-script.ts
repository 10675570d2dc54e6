// The worker thread that does DMA: plain JavaScript, since Node.js 20 starts no worker from
// TypeScript, and a package has no file beside its bundle to start it from.
//
//   in   {space, regions}                    the memory of a machine: shared, not copied
//        {space, end}                        forget it
//        {id, space, pfns, pos, len, from, owners}
//   out  {id, strangers}                     pages that were not their owner's before or after
//
// A transfer goes half a page at a time with a pause between, as slow as a device, so that the main
// thread gets far meanwhile. It counts itself in `moved`, for who waits with Atomics.wait.

export const dmaThreadScript = `
const { parentPort, workerData } = require('node:worker_threads');
const { moved, pause, pauseMs } = workerData;
const PAGE = 4096;
const META_WORDS = 8, INO = 2, CHANGES = 7, OWNER_WORDS = 4;
const spaces = new Map();

const regionOf = (regions, pfn) =>
  regions.find((r) => pfn >= r.basePfn && pfn < r.basePfn + r.nrPages);

const pageOf = (regions, pfn) => {
  const r = regionOf(regions, pfn);
  return new Uint8Array(r.buffer, r.dataPos + (pfn - r.basePfn) * PAGE, PAGE);
};

// The owner is written under a sequence count: read again while it changes.
const isStranger = (regions, pfn, owners, page) => {
  const { meta, basePfn } = regionOf(regions, pfn);
  const at = (pfn - basePfn) * META_WORDS;
  for (let i = 0; i < 1000; i++) {
    const changes = Atomics.load(meta, at + CHANGES);
    let differs = false;
    for (let w = 0; w < OWNER_WORDS; w++) {
      if (Atomics.load(meta, at + INO + w) !== owners[page * OWNER_WORDS + w]) differs = true;
    }
    if (changes % 2 === 0 && Atomics.load(meta, at + CHANGES) === changes) return differs;
  }
  return true;
};

const copyPiece = (regions, target, at, from, done, len) => {
  if (from.bytes !== undefined) {
    target.set(from.bytes.subarray(done, done + len), at);
    return;
  }
  for (let n = 0; n < len;) {
    const pos = from.pos + done + n;
    const inPage = Math.min(len - n, PAGE - (pos % PAGE));
    const source = pageOf(regions, from.pfns[Math.floor(pos / PAGE)]);
    target.set(source.subarray(pos % PAGE, (pos % PAGE) + inPage), at + n);
    n += inPage;
  }
};

const move = ({ space, pfns, pos, len, from, owners }) => {
  const regions = spaces.get(space);
  let strangers = 0;
  for (let done = 0; done < len;) {
    const page = Math.floor((pos + done) / PAGE);
    const at = (pos + done) % PAGE;
    const inPage = Math.min(len - done, PAGE - at);
    const half = inPage >> 1;
    const target = pageOf(regions, pfns[page]);
    const before = isStranger(regions, pfns[page], owners, page);
    copyPiece(regions, target, at, from, done, half);
    Atomics.wait(pause, 0, 0, pauseMs);
    copyPiece(regions, target, at + half, from, done + half, inPage - half);
    if (before || isStranger(regions, pfns[page], owners, page)) strangers++;
    done += inPage;
  }
  return strangers;
};

parentPort.on('message', (m) => {
  if (m.regions !== undefined) return void spaces.set(m.space, m.regions);
  if (m.end === true) return void spaces.delete(m.space);
  let strangers = 0, error = null;
  try {
    strangers = move(m);
  } catch (e) {
    error = String(e && e.stack);
  }
  Atomics.add(moved, 0, 1);
  Atomics.notify(moved, 0);
  parentPort.postMessage({ id: m.id, strangers, error });
});
`;
