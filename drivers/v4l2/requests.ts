// The requests of a video node, typed: VIDIOC_ without its prefix, argument and result.

import type { DmaBuf } from '../../lib/driver/index.js';
import type { BufFlag, BufType, V4L2Buffer, V4L2BufferArg } from './buffer.js';
import type { ControlInfo } from './controls.js';
import type { EventSubscription, VideoEvent } from './events.js';
import type { FourCC, PixFormat, PixFormatRequest } from './formats.js';
import type { Priority } from './priority.js';
import type { CreateBufsArg, CreateBufsRet, ReqbufsArg, ReqbufsRet } from './queue-node.js';
import type { Fraction } from './rules.js';

export type Capability =
  | ('VIDEO_CAPTURE' | 'VIDEO_OUTPUT' | 'VIDEO_CAPTURE_MPLANE' | 'VIDEO_OUTPUT_MPLANE')
  | ('READWRITE' | 'STREAMING' | 'EXT_PIX_FORMAT');

export interface DeviceCapabilities {
  readonly driver: string;
  readonly card: string;
  readonly busInfo: string;
  readonly version: string;
  readonly capabilities: readonly Capability[];
}

export interface FormatDescription {
  readonly index: number;
  readonly pixelformat: FourCC;
  readonly description: string;
}

export interface StreamParm {
  readonly type?: BufType;
  readonly timeperframe?: Fraction;
}

export interface StreamParmRet {
  readonly capability: readonly 'TIMEPERFRAME'[];
  readonly timeperframe: Fraction;
  readonly readbuffers: number;
}

export interface ControlValue {
  readonly id: string;
  readonly value: number;
}

export interface InputDescription {
  readonly index: number;
  readonly name: string;
  readonly type: 'CAMERA' | 'MODULATOR';
}

type Typed = { readonly type?: BufType };

/** Bring both nodes under one table; what a node lacks is ENOTTY there. */
export interface VideoRequests {
  CREATE_BUFS: { arg: CreateBufsArg; ret: CreateBufsRet };
  DQBUF: { arg: Typed; ret: V4L2Buffer };
  DQEVENT: { arg: void; ret: VideoEvent };
  ENUMINPUT: { arg: { readonly index: number }; ret: InputDescription };
  ENUMOUTPUT: { arg: { readonly index: number }; ret: InputDescription };
  ENUM_FMT: { arg: Typed & { readonly index: number }; ret: FormatDescription };
  ENUM_FRAMEINTERVALS: {
    arg: {
      readonly index: number;
      readonly pixelformat: string;
      readonly width: number;
      readonly height: number;
    };
    ret: { readonly type: 'DISCRETE'; readonly discrete: Fraction };
  };
  ENUM_FRAMESIZES: {
    arg: { readonly index: number; readonly pixelformat: string };
    ret: { readonly type: 'DISCRETE'; readonly width: number; readonly height: number };
  };
  EXPBUF: {
    arg: Typed & {
      readonly index: number;
      readonly plane?: number;
      readonly flags?: readonly string[];
    };
    ret: DmaBuf;
  };
  G_CTRL: { arg: { readonly id: string }; ret: ControlValue };
  G_EXT_CTRLS: { arg: readonly { readonly id: string }[]; ret: readonly ControlValue[] };
  G_FMT: { arg: Typed; ret: PixFormat };
  G_INPUT: { arg: void; ret: number };
  G_OUTPUT: { arg: void; ret: number };
  G_PARM: { arg: Typed; ret: StreamParmRet };
  G_PRIORITY: { arg: void; ret: Priority };
  PREPARE_BUF: { arg: V4L2BufferArg; ret: V4L2Buffer };
  QBUF: { arg: V4L2BufferArg; ret: V4L2Buffer };
  QUERYBUF: { arg: Typed & { readonly index: number }; ret: V4L2Buffer };
  QUERYCAP: { arg: void; ret: DeviceCapabilities };
  QUERYCTRL: { arg: { readonly id: string }; ret: ControlInfo };
  QUERYMENU: {
    arg: { readonly id: string; readonly index: number };
    ret: { readonly name: string };
  };
  QUERY_EXT_CTRL: { arg: void; ret: readonly ControlInfo[] };
  REMOVE_BUFS: { arg: Typed & { readonly index: number; readonly count: number }; ret: void };
  REQBUFS: { arg: ReqbufsArg; ret: ReqbufsRet };
  STREAMOFF: { arg: Typed; ret: void };
  STREAMON: { arg: Typed; ret: void };
  SUBSCRIBE_EVENT: { arg: EventSubscription; ret: void };
  S_CTRL: { arg: ControlValue; ret: ControlValue };
  S_EXT_CTRLS: { arg: readonly ControlValue[]; ret: readonly ControlValue[] };
  S_FMT: { arg: Typed & PixFormatRequest; ret: PixFormat };
  S_INPUT: { arg: number; ret: void };
  S_OUTPUT: { arg: number; ret: void };
  S_PARM: { arg: StreamParm; ret: StreamParmRet };
  S_PRIORITY: { arg: Priority; ret: void };
  TRY_EXT_CTRLS: { arg: readonly ControlValue[]; ret: readonly ControlValue[] };
  TRY_FMT: { arg: Typed & PixFormatRequest; ret: PixFormat };
  UNSUBSCRIBE_EVENT: { arg: EventSubscription; ret: void };
}

export type { BufFlag };
