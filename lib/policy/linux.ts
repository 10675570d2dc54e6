// linux: what the chosen kernel does. The default.
//
// Merged: long-term pins of DAX files refused (Dan Williams, get_user_pages_longterm, 4.15),
// layout changes wait for short ones (4.18). Long meant as a stop-gap "until a memory registration
// with layout-lease can be implemented" (Dan Williams, November 2017).
// Objections: no RDMA and no V4L2 on a DAX file at all; and behind a page cache pages are written
// back while a device writes to them (John Hubbard, 2018: "DMA and get_user_pages()").
// Here: overrides no kernel rule, so it has the kernel's holes too: before 7.2 the scan is skipped
// when nobody maps the file, and eviction never looks.

import { definePolicy } from '../lease/define-policy.js';
import { promises } from './promises.js';

export const linux = definePolicy({
  name: 'linux',
  rules: {},
  promises: promises.linux,
  scope: 'file',
  onBusy: () => ({ do: 'wait' }),
});
