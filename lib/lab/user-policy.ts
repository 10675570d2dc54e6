// A policy of the user's own: a module that exports what definePolicy() made.

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Errno } from '../errno.js';
import { definePolicy } from '../lease/define-policy.js';
import type { LayoutPolicy } from '../lease/layout.js';
import { policyNamed } from '../policy/index.js';

/** Whether a word of the command line names a file rather than a policy. */
export const isPath = (word: string): boolean => /[./\\]/.test(word);

const isPolicy = (value: unknown): value is LayoutPolicy =>
  typeof value === 'object' && value !== null && 'onBusy' in value && 'promises' in value;

/** EINVAL: the module exports no policy, or one that is wrong. ENOENT: there is no such module. */
async function load(path: string): Promise<LayoutPolicy> {
  const url = pathToFileURL(resolve(path)).href;
  let module: Record<string, unknown>;
  try {
    module = (await import(url)) as Record<string, unknown>;
  } catch (cause) {
    const missing = (cause as { code?: unknown }).code === 'ERR_MODULE_NOT_FOUND';
    throw new Errno(missing ? 'ENOENT' : 'EINVAL', `${path}: ${String(cause)}`, { cause });
  }
  const found = Object.values(module).find(isPolicy);
  if (found === undefined) throw new Errno('EINVAL', `${path}: exports nothing of definePolicy()`);
  return definePolicy({ ...found });
}

const loaded = new Map<string, Promise<LayoutPolicy>>();

/** The policy of that id, or of that file. */
export function policyOf(word: string): Promise<LayoutPolicy> {
  if (!isPath(word)) return Promise.resolve(policyNamed(word));
  let policy = loaded.get(word);
  if (policy === undefined) loaded.set(word, (policy = load(word)));
  return policy;
}
