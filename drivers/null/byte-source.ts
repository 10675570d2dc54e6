// The hardware that the null driver drives: it writes one byte, over and over. It knows nothing of
// processes or pages; the bus and a mapping are all it is given.

import type { Bus, DmaMapping } from '../../lib/driver/index.js';

export class ByteSource {
  /** A test may set it behind the driver's back. */
  byte = 0;

  /** Write the whole mapping. DmaFault if the IOMMU stops it. */
  fill(bus: Bus, mapping: DmaMapping): Promise<void> {
    return bus.write(mapping, 0, new Uint8Array(mapping.len).fill(this.byte));
  }
}
