// ibv_mw: a memory window, allocated and given back here; bound by requests (memory-window.ts).

import { Errno } from '../../lib/driver/index.js';
import type { Hca } from './hca.js';
import type { MemoryWindow, WindowType } from './memory-window.js';
import type { PD } from './pd.js';
import type { UverbsFile } from './uverbs-file.js';

export class MW {
  readonly pd: PD;
  readonly window: MemoryWindow;

  constructor(pd: PD, window: MemoryWindow) {
    this.pd = pd;
    this.window = window;
    pd.nrUsers++;
  }

  /** Also while bound: the region is free of it then. */
  dealloc(hca: Hca): void {
    hca.removeWindow(this.window);
    this.pd.nrUsers--;
  }
}

export function allocMW(
  file: UverbsFile,
  arg: { pd: number; type: WindowType },
): { handle: number; rkey: number } {
  using pd = file.objects.use<PD>('pd', arg.pd);
  if (arg.type !== 1 && arg.type !== 2) {
    throw new Errno('EINVAL', `alloc_mw: type ${String(arg.type)}`);
  }
  const mw = new MW(pd.object, file.device.hca.addWindow(arg.type, pd.object.pdn));
  return { handle: file.objects.add('mw', mw), rkey: mw.window.rkey };
}

export function deallocMW(file: UverbsFile, arg: { handle: number }): void {
  using mw = file.objects.own<MW>('mw', arg.handle);
  mw.object.dealloc(file.device.hca);
  file.objects.remove(mw.handle);
}
