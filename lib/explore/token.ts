// Tokens: a schedule as a short word that any process can replay.
//
//   lost-wakeup.1.AgEBAQ.5d1a90c2
//   scenario    | |      checksum of the three fields before, and of what each choice was made from
//               | answers that are not 0, each with the number of zeros before it, as bytes
//               version
//
// The last field has two parts of four hexadecimal digits: the first tells a mistyped token, the
// second whether the replay met the same tasks as the recording.

import { Errno } from '../errno.js';

export interface Token {
  readonly scenario: string;
  readonly choices: readonly number[];
  /** Of the recorded choice keys; compare with keysHash() of the replay. */
  readonly keysHash: number;
}

const VERSION = '1';
const FNV_PRIME = 0x01000193;
const FNV_BASIS = 0x811c9dc5 | 0;

const hex4 = (n: number): string => ((n ^ (n >>> 16)) & 0xffff).toString(16).padStart(4, '0');

function textHash(text: string): number {
  let h = FNV_BASIS;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), FNV_PRIME);
  return h;
}

/** What the choices up to the last that is not 0 were made from, in 16 bits. */
export function keysHash(keys: readonly number[], nrChoices: number): number {
  let h = FNV_BASIS;
  for (let i = 0; i < nrChoices; i++) h = Math.imul(h ^ (keys[i] ?? 0), FNV_PRIME);
  return (h ^ (h >>> 16)) & 0xffff;
}

/** Answers without the zeros at the end, which replay as themselves. */
export function trimmed(choices: readonly number[]): readonly number[] {
  return choices.slice(0, choices.findLastIndex((choice) => choice !== 0) + 1);
}

function pushNumber(bytes: number[], n: number): void {
  for (; n >= 0x80; n = Math.floor(n / 0x80)) bytes.push((n & 0x7f) | 0x80);
  bytes.push(n);
}

function pack(choices: readonly number[]): string {
  const bytes: number[] = [];
  let zeros = 0;
  for (const choice of choices) {
    if (choice === 0) {
      zeros++;
      continue;
    }
    pushNumber(bytes, zeros);
    pushNumber(bytes, choice);
    zeros = 0;
  }
  return bytes.length === 0 ? '0' : Buffer.from(bytes).toString('base64url');
}

function unpack(text: string): number[] {
  const choices: number[] = [];
  if (text === '0') return choices;
  const numbers: number[] = [];
  let n = 0;
  let scale = 1;
  for (const byte of Buffer.from(text, 'base64url')) {
    n += (byte & 0x7f) * scale;
    scale *= 0x80;
    if (byte >= 0x80) continue;
    numbers.push(n);
    n = 0;
    scale = 1;
  }
  for (let i = 0; i + 1 < numbers.length; i += 2) {
    for (let zeros = numbers[i]!; zeros > 0; zeros--) choices.push(0);
    choices.push(numbers[i + 1]!);
  }
  return choices;
}

/** The token of a schedule; keys are those recorded beside its choices. */
export function encodeToken(
  scenario: string,
  choices: readonly number[],
  keys: readonly number[],
): string {
  const short = trimmed(choices);
  const head = `${scenario}.${VERSION}.${pack(short)}`;
  const met = keysHash(keys, short.length).toString(16).padStart(4, '0');
  return `${head}.${hex4(textHash(head))}${met}`;
}

/** EINVAL if it is no token, or one that was changed on the way. */
export function decodeToken(text: string): Token {
  const found = /^([A-Za-z0-9-]+)\.([^.]+)\.([\w-]+)\.([0-9a-f]{4})([0-9a-f]{4})$/.exec(
    text.trim(),
  );
  if (found === null) throw new Errno('EINVAL', `replay: '${text}' is no token`);
  const [, scenario = '', version = '', packed = '', check = '', met = ''] = found;
  if (version !== VERSION) {
    throw new Errno('EINVAL', `replay: token of version ${version}; this one reads ${VERSION}`);
  }
  if (hex4(textHash(`${scenario}.${version}.${packed}`)) !== check) {
    throw new Errno('EINVAL', `replay: '${text}' was changed: its checksum is wrong`);
  }
  return { scenario, choices: unpack(packed), keysHash: parseInt(met, 16) };
}

/** A scenario name made of any title. */
export const slug = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '') || 'race';
