// What each request takes, as data, and the check of it where the request enters: from there on
// its argument is well formed. copy_from_user() and the C types do this in Linux, so whatever could
// not be passed there is EFAULT (no struct) or EINVAL, and names the field.

import { DmaBuf, Errno } from '../../lib/driver/index.js';
import { bufFlags, bufTypes, fields, memoryKinds } from './buffer.js';
import { eventTypes, subscriptionFlags } from './events.js';
import { priorities } from './priority.js';
import type { VideoRequests } from './requests.js';

interface Wrong {
  readonly code: 'EFAULT' | 'EINVAL';
  /** The field, from the outside in, and what it is instead. */
  readonly says: string;
}
/** What is wrong with a value, or null. */
type Check = (v: unknown) => Wrong | null;

const shown = (v: unknown): string =>
  typeof v === 'object' && v !== null ? 'an object' : `${typeof v} ${String(v)}`;

const wrong = (says: string, code: Wrong['code'] = 'EINVAL'): Wrong => ({ code, says });

const inside = (field: string, { code, says }: Wrong): Wrong => wrong(`${field}: ${says}`, code);

const whole =
  (min: number, max: number): Check =>
  (v) =>
    typeof v === 'number' && Number.isSafeInteger(v) && v >= min && v <= max
      ? null
      : wrong(`${shown(v)} is no whole number from ${min} to ${max}`);

const u32 = whole(0, 0xffffffff);
const s32 = whole(-0x80000000, 0x7fffffff);
/** An address, or a time. */
const u64 = whole(0, Number.MAX_SAFE_INTEGER);

const text: Check = (v) => (typeof v === 'string' ? null : wrong(`${shown(v)} is no string`));

const word =
  (words: readonly string[]): Check =>
  (v) =>
    words.includes(v as string) ? null : wrong(`${shown(v)} is not ${words.join(', ')}`);

const list =
  (of: Check): Check =>
  (v) => {
    if (!Array.isArray(v)) return wrong(`${shown(v)} is no list`);
    for (const [i, item] of v.entries()) {
      const bad = of(item);
      if (bad !== null) return inside(`[${i}]`, bad);
    }
    return null;
  };

const nothing: Check = () => null;

const dmaBuf: Check = (v) => (v instanceof DmaBuf ? null : wrong(`${shown(v)} is no dma-buf`));

const orNull =
  (of: Check): Check =>
  (v) =>
    v === null ? null : of(v);

/** A field whose name ends in ? may be left out. */
function struct(shape: Readonly<Record<string, Check>>): Check {
  const fieldsOf = Object.entries(shape).map(([key, check]) => {
    const field = key.replace('?', '');
    return { field, optional: field !== key, check };
  });
  return (v) => {
    if (typeof v !== 'object' || v === null || Array.isArray(v)) {
      return wrong(`${shown(v)} is no struct`, 'EFAULT');
    }
    for (const { field, optional, check } of fieldsOf) {
      const value = (v as Readonly<Record<string, unknown>>)[field];
      if (value === undefined && optional) continue;
      const bad = check(value);
      if (bad !== null) return inside(field, bad);
    }
    return null;
  };
}

const type = word(bufTypes);
const typed = { 'type?': type };
const memory = word(memoryKinds);
const fraction = struct({ numerator: u32, denominator: u32 });
const plane = {
  ...{ 'bytesused?': u32, 'dataOffset?': u32, 'length?': u32 },
  ...{ 'userptr?': u64, 'dmabuf?': orNull(dmaBuf) },
};
const bufferArg = struct({
  index: u32,
  ...typed,
  ...plane,
  'memory?': memory,
  'planes?': list(struct(plane)),
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
  CREATE_BUFS: struct({
    ...typed,
    ...memoryFlags,
    count: u32,
    memory,
    'sizeimage?': u32,
    'planeSizes?': list(u32),
  }),
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

const abortSignal: Check = (v) =>
  v instanceof AbortSignal ? null : wrong(`${shown(v)} is no AbortSignal`);

/** What the client's own methods take, those that are more than one request. */
const methodArguments = {
  closeBuffer: struct({ buf: dmaBuf }),
  frames: struct({ 'count?': whole(1, 0xffffffff), 'signal?': abortSignal }),
  mapBuffer: struct({
    'plane?': u32,
    'prot?': word(['rw', 'r', 'w', '']),
    'share?': word(['shared', 'private']),
  }),
} satisfies Record<string, Check>;

/** The same for a method of the client. */
export function checkMethod(method: keyof typeof methodArguments, arg: unknown): void {
  const bad = methodArguments[method](arg);
  if (bad !== null) throw new Errno(bad.code, `${method}: options: ${bad.says}`);
}

/** EFAULT: no struct where one is needed. EINVAL: a field that the struct cannot hold. */
export function checkRequest(request: string, arg: unknown): void {
  const bad = requestArguments[request as keyof VideoRequests](arg);
  if (bad !== null) throw new Errno(bad.code, `${request}: ${bad.says}`);
}
