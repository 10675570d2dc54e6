// What each request takes, as data, and the check of it where the request enters: from there on
// its argument is well formed. copy_from_user() and the C types do this in Linux, so whatever could
// not be passed there is EFAULT (no struct) or EINVAL, and names the field.

import { DmaBuf, Errno } from '../../lib/driver/index.js';
import { bufFlags, bufTypes, fields, memoryKinds } from './buffer.js';
import { eventTypes, subscriptionFlags } from './events.js';
import { priorities } from './priority.js';
import type { VideoRequests } from './requests.js';

/** What is wrong with a value, or null; an Errno other than EINVAL says so itself. */
type Check = (v: unknown, name: string) => string | null;

const shown = (v: unknown): string =>
  typeof v === 'object' && v !== null ? 'an object' : `${typeof v} ${String(v)}`;

const whole =
  (min: number, max: number): Check =>
  (v) =>
    typeof v === 'number' && Number.isSafeInteger(v) && v >= min && v <= max
      ? null
      : `${shown(v)} is no whole number from ${min} to ${max}`;

const u32 = whole(0, 0xffffffff);
const s32 = whole(-0x80000000, 0x7fffffff);
/** An address, or a time. */
const u64 = whole(0, Number.MAX_SAFE_INTEGER);

const text: Check = (v) => (typeof v === 'string' ? null : `${shown(v)} is no string`);

const word =
  (words: readonly string[]): Check =>
  (v) =>
    typeof v === 'string' && words.includes(v) ? null : `${shown(v)} is not ${words.join(', ')}`;

const list =
  (of: Check): Check =>
  (v, name) =>
    Array.isArray(v)
      ? (v.map((item: unknown, i) => of(item, `${name}[${i}]`)).find((no) => no !== null) ?? null)
      : `${shown(v)} is no list`;

const nothing: Check = () => null;

const buffer: Check = (v) => (v === null || v instanceof DmaBuf ? null : 'that is no dma-buf');

type Shape = Readonly<Record<string, Check>>;

/** A struct. A field whose name ends in ? may be left out. */
const struct =
  (shape: Shape): Check =>
  (v, name) => {
    if (typeof v !== 'object' || v === null || Array.isArray(v)) {
      throw new Errno('EFAULT', `${name}: ${shown(v)} is no struct`);
    }
    const given = v as Readonly<Record<string, unknown>>;
    for (const [key, check] of Object.entries(shape)) {
      const field = key.replace('?', '');
      if (given[field] === undefined && field !== key) continue;
      const wrong = check(given[field], `${name}: ${field}`);
      if (wrong !== null) return `${field}: ${wrong}`;
    }
    return null;
  };

const type = word(bufTypes);
const typed = { 'type?': type };
const memory = word(memoryKinds);
const fraction = struct({ numerator: u32, denominator: u32 });
const bufferArg = struct({
  index: u32,
  ...typed,
  'memory?': memory,
  'bytesused?': u32,
  'dataOffset?': u32,
  'length?': u32,
  'userptr?': u64,
  'dmabuf?': buffer,
  'field?': word(fields),
  'timestampNs?': u64,
  'flags?': list(word(bufFlags)),
  'requestFd?': s32,
});
const format = struct({
  ...typed,
  ...{ width: u32, height: u32, pixelformat: text, 'bytesperline?': u32 },
});
const control = struct({ id: text, value: s32 });
const subscription = struct({
  type: word(eventTypes),
  'id?': text,
  'flags?': list(word(subscriptionFlags)),
});
const memoryFlags = { 'flags?': list(word(['NON_COHERENT'])) };

/** By request; the compiler sees to it that none is missing. */
export const requestArguments: Readonly<Record<keyof VideoRequests, Check>> = {
  CREATE_BUFS: struct({ ...typed, ...memoryFlags, count: u32, memory, 'sizeimage?': u32 }),
  DQBUF: struct(typed),
  DQEVENT: nothing,
  ENUMINPUT: struct({ index: u32 }),
  ENUMOUTPUT: struct({ index: u32 }),
  ENUM_FMT: struct({ ...typed, index: u32 }),
  ENUM_FRAMEINTERVALS: struct({ index: u32, pixelformat: text, width: u32, height: u32 }),
  ENUM_FRAMESIZES: struct({ index: u32, pixelformat: text }),
  EXPBUF: struct({ ...typed, index: u32, 'plane?': u32, 'flags?': list(text) }),
  G_CTRL: struct({ id: text }),
  G_EXT_CTRLS: list(struct({ id: text })),
  G_FMT: struct(typed),
  G_INPUT: nothing,
  G_OUTPUT: nothing,
  G_PARM: struct(typed),
  G_PRIORITY: nothing,
  PREPARE_BUF: bufferArg,
  QBUF: bufferArg,
  QUERYBUF: struct({ ...typed, index: u32 }),
  QUERYCAP: nothing,
  QUERYCTRL: struct({ id: text }),
  QUERYMENU: struct({ id: text, index: u32 }),
  QUERY_EXT_CTRL: nothing,
  REMOVE_BUFS: struct({ ...typed, index: u32, count: u32 }),
  REQBUFS: struct({ ...typed, ...memoryFlags, count: u32, memory }),
  STREAMOFF: struct(typed),
  STREAMON: struct(typed),
  SUBSCRIBE_EVENT: subscription,
  S_CTRL: control,
  S_EXT_CTRLS: list(control),
  S_FMT: format,
  S_INPUT: u32,
  S_OUTPUT: u32,
  S_PARM: struct({ ...typed, 'timeperframe?': fraction }),
  S_PRIORITY: word(priorities),
  TRY_EXT_CTRLS: list(control),
  TRY_FMT: format,
  UNSUBSCRIBE_EVENT: subscription,
};

const abortSignal: Check = (v) => (v instanceof AbortSignal ? null : `${shown(v)} is no signal`);

/** What the client's own methods take, those that are more than one request. */
const methodArguments = {
  closeBuffer: struct({ buf: (v) => (v instanceof DmaBuf ? null : `${shown(v)} is no dma-buf`) }),
  frames: struct({ 'count?': whole(1, 0xffffffff), 'signal?': abortSignal }),
  mapBuffer: struct({
    'prot?': word(['rw', 'r', 'w', '']),
    'share?': word(['shared', 'private']),
  }),
} satisfies Record<string, Check>;

/** The same for a method of the client. */
export function checkMethod(method: keyof typeof methodArguments, arg: unknown): void {
  const wrong = methodArguments[method](arg, `${method}: options`);
  if (wrong !== null) throw new Errno('EINVAL', `${method}: ${wrong}`);
}

/** EFAULT: no struct where one is needed. EINVAL: a field that the struct cannot hold. */
export function checkRequest(request: string, arg: unknown): void {
  const wrong = requestArguments[request as keyof VideoRequests](arg, request);
  if (wrong !== null) throw new Errno('EINVAL', `${request}: ${wrong}`);
}
