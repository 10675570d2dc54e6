// The requests about the node itself: what it is, and who goes first.

import { Errno } from '../../lib/driver/index.js';
import type { DeviceCapabilities, InputDescription } from './requests.js';
import type { VideoDevice, VideoIoctls } from './video-device.js';

export interface UnitInfo {
  readonly capabilities: DeviceCapabilities;
  /** The one input or output there is. */
  readonly connector: InputDescription;
}

export function deviceRequests(dev: VideoDevice, info: UnitInfo): VideoIoctls {
  const { connector } = info;
  const describe = (_h: unknown, { index }: { readonly index: number }): InputDescription => {
    if (index !== connector.index) throw new Errno('EINVAL', `there is no connector ${index}`);
    return connector;
  };
  const select = (_h: unknown, index: number): void => {
    if (index !== connector.index) throw new Errno('EINVAL', `there is no connector ${index}`);
  };
  const current = (): number => connector.index;
  const connectors: VideoIoctls =
    connector.type === 'CAMERA'
      ? { ENUMINPUT: describe, G_INPUT: current, S_INPUT: select }
      : { ENUMOUTPUT: describe, G_OUTPUT: current, S_OUTPUT: select };
  return {
    ...connectors,
    G_PRIORITY: () => dev.priority.highest,
    QUERYCAP: () => info.capabilities,
    S_PRIORITY: (h, priority) => dev.priority.set(h, priority),
  };
}
