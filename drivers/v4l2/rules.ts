// What vivid and videobuf2 of each kernel do where they differ, as rows of data with their source.
//
// `recorded`: the answer of the real kernel to a case of conformance/cases (area v4l2 or
// fuzz-v4l2). Everything that is alike everywhere stands in the code that does it.

import type { KernelName } from '../../lib/driver/index.js';

export interface Fraction {
  readonly numerator: number;
  readonly denominator: number;
}

/** A picture size of the camera, and how many of `webcamIntervals` it can do, slowest first. */
export interface WebcamSize {
  readonly width: number;
  readonly height: number;
  readonly nrIntervals: number;
}

export interface V4L2Rules {
  /**
   * Buffers a capture queue may hold: VB2_MAX_FRAME, then vivid's MAX_VID_CAP_BUFFERS. Recorded
   * (v4l2/reqbufs-100). vivid-core.c:vivid_create_queue.
   */
  readonly maxCaptureBuffers: number;
  /** The same for an output queue: videobuf2-core.c, VB2_MAX_FRAME everywhere. */
  readonly maxOutputBuffers: number;
  /**
   * The least REQBUFS allocates, in the core (6.8+). videobuf2-core.c:vb2_core_queue_init.
   * Recorded (v4l2/reqbufs-1).
   */
  readonly minReqbufsAllocation: number;
  /**
   * The least the driver wants in the queue, asked for CREATE_BUFS too (gone in 6.8). Recorded
   * (fuzz-v4l2/11-28: one created buffer becomes two). vivid-vid-cap.c:vid_cap_queue_setup.
   */
  readonly minDriverBuffers: number;
  /**
   * Buffers that must be queued before the driver is started. vivid: 0, since its queues support
   * requests (vivid-core.c:vivid_create_queue). Recorded (v4l2/block-nothing-queued: one queued
   * buffer is filled on 6.1 too).
   */
  readonly minQueuedBuffers: number;
  /** VIDIOC_REMOVE_BUFS, 6.10. v4l2-ioctl.c. */
  readonly removeBufs: boolean;
  /**
   * The overlay type passes the check of types on a capture node, so that a second file gets EBUSY
   * for it, not EINVAL (vivid's capture overlay is gone in 6.4). v4l2-ioctl.c:check_fmt.
   */
  readonly overlayPassesTypeCheck: boolean;
  /**
   * read() makes its file the owner before it does anything, and drops the owner when no reading
   * came of it: EBUSY over one's own buffers gives the queue away (6.10). videobuf2-v4l2.c:
   * vb2_fop_read.
   */
  readonly failedReadDropsOwner: boolean;
  /**
   * Freeing the queue while a buffer is PREPARING is refused with EAGAIN (gone in 6.3). facts 6.2;
   * videobuf2-core.c:__vb2_queue_free.
   */
  readonly preparingRefusesFree: boolean;
  /**
   * What "busy" means to S_FMT: buffers exist, or REQBUFS/CREATE_BUFS was not undone by REQBUFS(0)
   * (6.8: REMOVE_BUFS of the last buffer keeps the queue busy). videobuf2-core.h:vb2_is_busy.
   */
  readonly busyUntilReqbufs0: boolean;
  /** Discrete sizes of the webcam input. Recorded (fuzz-v4l2/11-33). vivid-vid-cap.c. */
  readonly webcamSizes: readonly WebcamSize[];
  /** Frame intervals of the webcam input, slowest first. vivid-vid-cap.c:webcam_intervals. */
  readonly webcamIntervals: readonly Fraction[];
}

const interval = (numerator: number, denominator: number): Fraction => ({ numerator, denominator });

const intervals61: readonly Fraction[] = [
  interval(1, 1),
  interval(1, 2),
  interval(1, 4),
  interval(1, 5),
  interval(1, 10),
  interval(2, 25),
  interval(1, 15),
  interval(1, 25),
  interval(1, 30),
  interval(1, 40),
  interval(1, 50),
  interval(1, 60),
];

const size = (width: number, height: number, nrIntervals: number): WebcamSize => ({
  width,
  height,
  nrIntervals,
});

const linux61: V4L2Rules = {
  maxCaptureBuffers: 32,
  maxOutputBuffers: 32,
  minReqbufsAllocation: 0,
  minDriverBuffers: 2,
  minQueuedBuffers: 0,
  removeBufs: false,
  overlayPassesTypeCheck: true,
  failedReadDropsOwner: false,
  preparingRefusesFree: true,
  busyUntilReqbufs0: false,
  // Two intervals fewer for each larger size: vivid_s_fmt_vid_cap, 2 * (VIVID_WEBCAM_SIZES - i).
  webcamSizes: [
    size(320, 180, 12),
    size(640, 360, 10),
    size(640, 480, 8),
    size(1280, 720, 6),
    size(1920, 1080, 4),
    size(3840, 2160, 2),
  ],
  webcamIntervals: intervals61,
};

const linux612: V4L2Rules = {
  ...linux61,
  maxCaptureBuffers: 64,
  minReqbufsAllocation: 2,
  minDriverBuffers: 0,
  removeBufs: true,
  overlayPassesTypeCheck: false,
  failedReadDropsOwner: true,
  preparingRefusesFree: false,
  busyUntilReqbufs0: true,
  // By height: vivid-vid-cap.c:webcam_ival_count.
  webcamSizes: [
    size(320, 180, 13),
    size(640, 360, 13),
    size(640, 480, 13),
    size(1280, 720, 12),
    size(1920, 1080, 9),
    size(3840, 2160, 7),
  ],
  webcamIntervals: [...intervals61, interval(1, 120)],
};

const linux72: V4L2Rules = {
  ...linux612,
  webcamSizes: [
    size(320, 180, 13),
    size(320, 240, 13),
    size(640, 360, 13),
    size(640, 480, 13),
    size(1280, 720, 12),
    size(1280, 960, 12),
    size(1600, 1200, 9),
    size(1920, 1080, 9),
    size(3840, 2160, 7),
  ],
};

export const v4l2Rules: Readonly<Record<KernelName, V4L2Rules>> = {
  '6.1': linux61,
  '6.12': linux612,
  '7.2': linux72,
  proposed: linux72,
};
