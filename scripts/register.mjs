// Runs the sources: node --import ./scripts/register.mjs lib/cli/main.ts ...

import { register } from 'node:module';

register('./typescript-hooks.mjs', import.meta.url);
