import { bundle } from '../../rolldown.base.js';

export default bundle(import.meta.dirname, {
  programs: { bin: './src/bin.ts' },
  // These are 170 files.
  inlined: ['commander', 'yaml', 'zod'],
});
