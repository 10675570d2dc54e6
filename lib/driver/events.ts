// What the driver core tells the referee and the tracer. Whoever builds the machine subscribes.

import type { PinnedPages } from '../mm/gup.js';
import type { DmaEvent, DmaFaultEvent, DmaMapping } from './dma.js';
import type { HeldObject } from './balance.js';

export interface DriverEvents {
  /** A device is about to touch pages (before the copy) … */
  dmaBegin?(e: DmaEvent): void;
  /** … and has touched them. */
  dma?(e: DmaEvent): void;
  dmaFault?(e: DmaFaultEvent): void;
  dmaMap?(device: string, mapping: DmaMapping): void;
  dmaUnmap?(device: string, mapping: DmaMapping): void;
  pin?(device: string, pins: PinnedPages): void;
  unpin?(device: string, pins: PinnedPages): void;
  bind?(device: string, driver: string): void;
  unbind?(device: string, leaked: readonly HeldObject[]): void;
  /** A revoke missed its deadline: 'reset' if the device could be stopped, 'hung' if not. */
  reset?(device: string, outcome: 'reset' | 'hung'): void;
  log?(device: string, line: string): void;
}
