// The requests about formats and rates. TRY and S clamp what they are asked for to what there is.

import { Errno } from '../../lib/driver/index.js';
import type { BufType } from './buffer.js';
import { findFormat, formatsOf } from './formats.js';
import type { FormatDescription, StreamParmRet } from './requests.js';
import type { Camera } from './camera.js';
import type { VideoDevice, VideoIoctls } from './video-device.js';

export function formatRequests(dev: VideoDevice): VideoIoctls {
  const { unit, node } = dev;
  const check = (request: string, type: BufType | undefined): void => {
    const own = node.queue.type;
    if (type === undefined || type === own) return;
    // The other planar kind is known to v4l2-ioctl.c; vivid has no function for it then.
    const other = type.startsWith(node.queue.isOutput ? 'VIDEO_OUTPUT' : 'VIDEO_CAPTURE');
    throw new Errno(other ? 'ENOTTY' : 'EINVAL', `${request}: ${dev.name} is no ${type} node`);
  };
  const enumFormat = (index: number): FormatDescription => {
    const format = formatsOf(unit.multiplanar)[index];
    if (format === undefined) {
      throw new Errno('EINVAL', `ENUM_FMT: there is no format ${index}`);
    }
    return { index, pixelformat: format.fourcc, description: format.description };
  };
  const parm = (): StreamParmRet => ({
    capability: ['TIMEPERFRAME'],
    timeperframe: unit.interval,
    readbuffers: 1,
  });
  return {
    ENUM_FMT: (_h, { index, type }) => {
      check('ENUM_FMT', type);
      return enumFormat(index);
    },
    G_FMT: (_h, { type }) => {
      check('G_FMT', type);
      return unit.format;
    },
    G_PARM: (_h, { type }) => {
      check('G_PARM', type);
      return parm();
    },
    S_FMT: (_h, want) => {
      check('S_FMT', want.type);
      return unit.setFormat(want);
    },
    S_PARM: (_h, { type, timeperframe }) => {
      check('S_PARM', type);
      unit.setRate(timeperframe ?? { numerator: 0, denominator: 0 });
      return parm();
    },
    TRY_FMT: (_h, want) => {
      check('TRY_FMT', want.type);
      return unit.tryFormat(want);
    },
  };
}

/** What only the camera enumerates. */
export function cameraRequests(camera: Camera): VideoIoctls {
  const known = (fourcc: string): void => {
    if (findFormat(fourcc, camera.multiplanar) === undefined)
      throw new Errno('EINVAL', `no format ${fourcc}`);
  };
  return {
    ENUM_FRAMEINTERVALS: (_h, { index, pixelformat, width, height }) => {
      known(pixelformat);
      const discrete = camera.intervals({ width, height })[index];
      if (discrete === undefined) {
        throw new Errno('EINVAL', `${width}x${height} has no interval ${index}`);
      }
      return { type: 'DISCRETE', discrete };
    },
    ENUM_FRAMESIZES: (_h, { index, pixelformat }) => {
      known(pixelformat);
      const size = camera.rules.webcamSizes[index];
      if (size === undefined) throw new Errno('EINVAL', `there is no size ${index}`);
      return { type: 'DISCRETE', width: size.width, height: size.height };
    },
  };
}
