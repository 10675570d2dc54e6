// Where this tree is, and how a process of its own runs TypeScript of it.

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** node ...runSources path.ts */
export const runSources = ['--import', join(root, 'scripts/register.mjs')] as const;
