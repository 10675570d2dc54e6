// v4l2: a camera and a screen. The driver for 'emul,camera', with two nodes:
//
//   /dev/video0   VIDEO_CAPTURE   a webcam with vivid's formats, rates and habits
//   /dev/video1   VIDEO_OUTPUT    a screen that shows what is queued to it
//
// Layers, from the node down: video-device.ts (requests) - queue-node.ts (whose queue is it) -
// vb2-queue.ts (buffers and the stream) - camera.ts, screen.ts (the driver) - sensor.ts,
// display.ts (the hardware). The memory behind buffers is device-memory.ts.

import { defineDriver, Mutex, type Device, type NodeIO } from '../../lib/driver/index.js';
import { Camera, type Emit } from './camera.js';
import { VideoClient, type VideoIO } from './client.js';
import { deviceMemory } from './device-memory.js';
import { Display } from './display.js';
import { cameraRequests } from './format-requests.js';
import type { FrameClockEnv } from './frame-clock.js';
import type { Capability, DeviceCapabilities, VideoRequests } from './requests.js';
import { v4l2Rules } from './rules.js';
import { Screen } from './screen.js';
import { Sensor } from './sensor.js';
import type { IOMode } from './queue-options.js';
import { VB2Queue } from './vb2-queue.js';
import { VideoDevice } from './video-device.js';

/** The hardware on the board. */
export interface CameraBoard {
  readonly sensor: Sensor;
  readonly display: Display;
  /** Both nodes speak the multi-planar API, and have formats whose planes lie apart (NM12). */
  readonly multiplanar?: boolean;
}

export interface V4L2State {
  readonly camera: Camera;
  readonly screen: Screen;
  readonly capture: VideoDevice;
  readonly output: VideoDevice;
}

declare module '../../lib/driver/index.js' {
  interface NodeLibraries {
    video0: VideoClient;
    video1: VideoClient;
  }
}

const ioModes: readonly IOMode[] = ['MMAP', 'USERPTR', 'DMABUF', 'READ', 'WRITE'];

const capabilities = (dev: Device, card: string, is: Capability): DeviceCapabilities => ({
  driver: 'v4l2',
  card,
  busInfo: `platform:${dev.name}`,
  version: dev.kernel,
  capabilities: [is, 'READWRITE', 'STREAMING', 'EXT_PIX_FORMAT'],
});

function probeCapture(dev: Device<CameraBoard>, env: FrameClockEnv): [Camera, VideoDevice] {
  const rules = v4l2Rules[dev.kernel];
  const { sensor, multiplanar = false } = dev.hardware;
  const emit: Emit = (what, value) => capture.emit(what, value);
  const camera = new Camera({ sensor, rules, env, emit, multiplanar });
  const type = multiplanar ? 'VIDEO_CAPTURE_MPLANE' : 'VIDEO_CAPTURE';
  const queue = new VB2Queue({
    name: 'video0',
    type,
    ioModes: ioModes.filter((mode) => mode !== 'WRITE'),
    maxBuffers: rules.maxCaptureBuffers,
    minReqbufsAllocation: rules.minReqbufsAllocation,
    minQueuedBuffers: rules.minQueuedBuffers,
    rules,
    sched: dev.sched,
    lock: env.lock,
    memory: deviceMemory(dev),
    ops: camera.ops,
  });
  camera.queue = queue;
  const capture: VideoDevice = new VideoDevice({
    name: 'video0',
    unit: camera,
    queue,
    info: {
      capabilities: capabilities(dev, 'Emulated camera', type),
      connector: { index: 0, name: 'Webcam 0', type: 'CAMERA' },
    },
    lock: env.lock,
    sched: dev.sched,
    extra: cameraRequests(camera),
  });
  return [camera, capture];
}

function probeOutput(dev: Device<CameraBoard>, env: FrameClockEnv): [Screen, VideoDevice] {
  const rules = v4l2Rules[dev.kernel];
  const { display, multiplanar = false } = dev.hardware;
  const screen = new Screen(display, rules, env, multiplanar);
  const type = multiplanar ? 'VIDEO_OUTPUT_MPLANE' : 'VIDEO_OUTPUT';
  const queue = new VB2Queue({
    name: 'video1',
    type,
    ioModes: ioModes.filter((mode) => mode !== 'READ'),
    maxBuffers: rules.maxOutputBuffers,
    minReqbufsAllocation: rules.minReqbufsAllocation,
    minQueuedBuffers: rules.minQueuedBuffers,
    rules,
    sched: dev.sched,
    lock: env.lock,
    memory: deviceMemory(dev),
    ops: screen.ops,
  });
  screen.queue = queue;
  const output = new VideoDevice({
    name: 'video1',
    unit: screen,
    queue,
    info: {
      capabilities: capabilities(dev, 'Emulated screen', type),
      connector: { index: 0, name: 'Screen 0', type: 'MODULATOR' },
    },
    lock: env.lock,
    sched: dev.sched,
    extra: {},
  });
  return [screen, output];
}

export default defineDriver({
  name: 'v4l2',
  apiVersion: 1,
  idTable: [{ compatible: 'emul,camera' }],
  probe(dev: Device<CameraBoard>): V4L2State {
    const lock = new Mutex(dev.sched, `${dev.name} lock`);
    const env: FrameClockEnv = {
      sched: dev.sched,
      lock,
      spawn: (label, fn) => dev.spawn(label, fn),
    };
    const [camera, capture] = probeCapture(dev, env);
    const [screen, output] = probeOutput(dev, env);
    const library = (io: NodeIO<VideoRequests>): VideoClient => new VideoClient(io as VideoIO);
    dev.addNode('video0', capture.fops(library));
    dev.addNode('video1', output.fops(library));
    return { camera, screen, capture, output };
  },
  /** The last resort: both frame clocks stop, and every buffer of somebody else's is let go. */
  async reset(_dev, { camera, screen }, task) {
    camera.clock.stop();
    screen.clock.stop();
    await camera.queue.disconnect(task);
    await screen.queue.disconnect(task);
  },
  emulate: (): CameraBoard => ({ sensor: new Sensor(), display: new Display() }),
});

export { VideoClient } from './client.js';
export { Frame } from './frames.js';
export { encodePNG } from './png.js';
export { readCounter } from './patterns.js';
export { bufTypeOf, type V4L2Buffer, type V4L2BufferArg } from './buffer.js';
export { Display } from './display.js';
export { Sensor } from './sensor.js';
