// The built package: ESM, CommonJS and types, an entry for each door.
import { defineConfig } from 'tsup';

export default defineConfig({
  entry: {
    index: 'lib/index.ts',
    cli: 'lib/cli/main.ts',
    'drivers/rdma': 'drivers/rdma/index.ts',
    'drivers/v4l2': 'drivers/v4l2/index.ts',
    'drivers/null': 'drivers/null/index.ts',
    'drivers/block': 'drivers/block/index.ts',
    driver: 'lib/driver/index.ts',
  },
  format: ['esm', 'cjs'],
  dts: true,
  clean: true,
  shims: true,
  target: 'node20',
  outDir: 'dist',
});
