// What a driver hands to its device, checked where it enters. A value that cannot be the argument
// at all is EINVAL and named, so that the application whose request it was gets an errno. What the
// driver does in the wrong order (unpin twice, map what it does not hold) is an assertion.

import {
  checkBoolean,
  checkFunction,
  checkInstance,
  checkList,
  checkObject,
  checkText,
  checkTime,
  checkWhole,
  checkWord,
  shown,
} from '../arguments.js';
import { Errno } from '../errno.js';
import { PinnedPages } from '../mm/gup.js';
import type { Region } from '../mm/region.js';
import { VMA } from '../mm/vma.js';
import { checkRange, checkSpan, isAligned, pagesSpanned } from '../units.js';
import type { DevicePinRequest, DmaSource, FaultRange } from './device.js';
import { DmaBuf, DmaBufAttachment } from './dma-buf.js';
import { PageBlock } from './page-block.js';

/** What one pin may touch: 1 TiB. A list of more pages is no memory's. */
const MOST_PAGES = 2 ** 28;

const checkLabel = (call: string, label: unknown): void => checkText(call, 'label', label);

export function checkCaller(call: string, caller: unknown): void {
  checkObject(call, 'caller', caller);
  const { task, process } = caller as { readonly task?: unknown; readonly process?: unknown };
  checkObject(call, 'caller: task', task);
  checkObject(call, 'caller: process', process);
}

/** [addr, addr + len) of user memory. EINVAL; ENOMEM for more pages than any list has. */
function checkMemory(call: string, addr: number, len: number): void {
  checkSpan(call, addr, len);
  if (pagesSpanned(addr, len) <= MOST_PAGES) return;
  throw new Errno('ENOMEM', `${call}: length: ${len} bytes in one piece`);
}

export function checkPin(caller: unknown, request: DevicePinRequest): void {
  checkCaller('pin', caller);
  checkObject('pin', 'request', request);
  const { addr, len, access, force, onShort, longterm } = request;
  checkMemory('pin', addr, len);
  if (access !== 'read') checkWord('pin', 'access', access, ['read', 'write']);
  if (force !== undefined) checkBoolean('pin', 'force', force);
  if (onShort !== undefined) checkWord('pin', 'onShort', onShort, ['errno', 'EFAULT']);
  checkBoolean('pin', 'longterm', longterm);
  if (!longterm) return;
  const { revoke, irrevocable } = request;
  if (irrevocable !== undefined) checkBoolean('pin', 'irrevocable', irrevocable);
  if (irrevocable !== true) checkFunction('pin', 'revoke', revoke);
}

export function checkDmaMap(source: DmaSource | readonly PinnedPages[], dir: unknown): void {
  checkWord('dmaMap', 'dir', dir, ['to-device', 'from-device', 'bidirectional']);
  checkObject('dmaMap', 'source', source);
  if (Array.isArray(source)) {
    for (const pins of source) checkInstance('dmaMap', 'source', pins, PinnedPages);
    return;
  }
  if ('borrowed' in source) {
    const { borrowed, pos, len } = source;
    checkInstance('dmaMap', 'source: borrowed', borrowed, Uint32Array);
    checkRange('dmaMap: source', pos, len);
    if (pagesSpanned(0, pos + len) <= borrowed.length) return;
    throw new Errno('EINVAL', `dmaMap: source: position ${pos}, length ${len}: past its pages`);
  }
  if ('pages' in source) {
    checkList('dmaMap', 'source: pages', source.pages);
    return;
  }
  const kinds = [PinnedPages, PageBlock, DmaBufAttachment];
  if (kinds.some((kind) => source instanceof kind)) return;
  throw new Errno('EINVAL', 'dmaMap: source: an object that has no pages');
}

export function checkWatch(
  caller: unknown,
  request: { readonly addr: number; readonly len: number; readonly invalidate: unknown },
): void {
  checkCaller('watchRange', caller);
  checkObject('watchRange', 'request', request);
  checkSpan('watchRange', request.addr, request.len);
  checkFunction('watchRange', 'invalidate', request.invalidate);
}

/** Whole pages inside the watch. */
export function checkFaultRange(
  watch: { readonly start: number; readonly end: number },
  range: FaultRange,
): void {
  checkObject('faultRange', 'range', range);
  const { start, end, write, fault } = range;
  checkWhole('faultRange', 'start', start, watch.start, watch.end);
  checkWhole('faultRange', 'end', end, start, watch.end);
  for (const [name, addr] of [
    ['start', start],
    ['end', end],
  ] as const) {
    if (isAligned(addr)) continue;
    throw new Errno('EINVAL', `faultRange: ${name}: ${addr} is no page`);
  }
  checkBoolean('faultRange', 'write', write);
  if (fault !== undefined) checkBoolean('faultRange', 'fault', fault);
}

/** Pages of RAM. ENOMEM for more than the machine has. */
export function checkAllocation(nrPages: number, label: unknown, regions: readonly Region[]): void {
  checkWhole('allocPages', 'nrPages', nrPages, 1, Number.MAX_SAFE_INTEGER);
  checkLabel('allocPages', label);
  const ram = regions.find(({ kind }) => kind === 'ram');
  if (ram === undefined || nrPages <= ram.nrPages) return;
  throw new Errno('ENOMEM', `allocPages: nrPages: ${nrPages} of ${ram.nrPages} pages of RAM`);
}

/** A list of pages that exist. */
export function checkPfns(pfns: Uint32Array, label: unknown, regions: readonly Region[]): void {
  checkInstance('daxPages', 'pfns', pfns, Uint32Array);
  checkLabel('daxPages', label);
  if (pfns.length === 0) throw new Errno('EINVAL', 'daxPages: pfns: none');
  for (const pfn of pfns) {
    if (regions.some((region) => region.has(pfn))) continue;
    throw new Errno('EINVAL', `daxPages: pfns: there is no page ${pfn}`);
  }
}

export function checkInsert(vma: unknown, block: PageBlock, pgoff: unknown): void {
  checkInstance('insertPages', 'vma', vma, VMA);
  checkInstance('insertPages', 'block', block, PageBlock);
  checkWhole('insertPages', 'pgoff', pgoff, 0, block.pfns.length);
}

export function checkExport(block: unknown, label: unknown): void {
  checkInstance('exportDmaBuf', 'block', block, PageBlock);
  checkLabel('exportDmaBuf', label);
}

export function checkAttach(buf: unknown, importer: unknown): void {
  checkInstance('attachDmaBuf', 'buf', buf, DmaBuf);
  checkObject('attachDmaBuf', 'importer', importer);
}

export function checkThread(label: unknown, fn: unknown): void {
  checkLabel('spawn', label);
  checkFunction('spawn', 'fn', fn);
}

export const checkAction = (action: unknown): void => checkFunction('addAction', 'action', action);

export function checkLeaseRequest(
  caller: unknown,
  request: { readonly addr: number; readonly len: number; readonly onBreak: unknown },
): void {
  checkCaller('layout lease', caller);
  checkObject('layout lease', 'request', request);
  checkMemory('layout lease', request.addr, request.len);
  checkFunction('layout lease', 'onBreak', request.onBreak);
}

export function checkLayoutRequest(
  caller: unknown,
  request: {
    readonly fd: number;
    readonly pos: number;
    readonly len: number;
    readonly access: unknown;
    readonly onRecall: unknown;
  },
): void {
  checkCaller('block layout', caller);
  checkObject('block layout', 'request', request);
  checkRange('block layout', request.pos, request.len);
  checkWord('block layout', 'access', request.access, ['read', 'write']);
  checkFunction('block layout', 'onRecall', request.onRecall);
  if (Number.isSafeInteger(request.fd) && request.fd >= 0) return;
  throw new Errno('EBADF', `block layout: fd: ${shown(request.fd)}`);
}

export function checkWork(delayNs: unknown, label: unknown, work: unknown): void {
  checkTime('queueWork', 'delayNs', delayNs);
  checkLabel('queueWork', label);
  checkFunction('queueWork', 'work', work);
}
