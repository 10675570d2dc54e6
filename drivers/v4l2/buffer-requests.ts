// The requests that move buffers: queue-node.ts under their names.

import type { VideoDevice, VideoIoctls } from './video-device.js';

export function bufferRequests({ node, opts }: VideoDevice): VideoIoctls {
  return {
    CREATE_BUFS: (h, arg) => node.createBufs(h, arg),
    DQBUF: (h, arg, caller) => node.dqbuf(h, caller, arg),
    EXPBUF: (h, arg) => node.expbuf(h, arg),
    PREPARE_BUF: (h, arg, caller) => node.prepareBuf(h, caller, arg),
    QBUF: (h, arg, caller) => node.qbuf(h, caller, arg),
    QUERYBUF: (_h, arg) => node.querybuf(arg),
    ...(opts.queue.opts.rules.removeBufs && {
      REMOVE_BUFS: (h, arg) => node.removeBufs(h, arg),
    }),
    REQBUFS: (h, arg) => node.reqbufs(h, arg),
    STREAMOFF: (h, arg) => node.streamOff(h, arg.type),
    STREAMON: (h, arg) => node.streamOn(h, arg.type),
  };
}
