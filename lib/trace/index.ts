// The door of the room: tracepoints, the recorder and its two pictures.

export { type TracepointName, tracepointNames, tracepoints } from './events.js';
export { perfettoDocument, type PerfettoOptions } from './perfetto.js';
export { type RecorderOptions, TraceRecorder } from './recorder.js';
export { timelineText } from './timeline.js';
export {
  type TraceArgs,
  type TraceEvent,
  Tracepoint,
  type TracePhase,
  type TraceSource,
} from './tracepoint.js';
