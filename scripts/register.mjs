// Runs the sources: TypeScript by tsx, with private fields opened for the race explorer.
//
//   node --import ./scripts/register.mjs lib/cli/main.ts ...

import { register } from 'node:module';

register('./open-fields.mjs', import.meta.url);
await import('tsx/esm');
