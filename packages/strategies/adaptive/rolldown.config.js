import { bundle } from '../../../rolldown.base.js';

const config = await bundle(import.meta.dirname);
// For `pnpm bench ablation` alone: the package does not export it.
config.input.mechanisms = './src/mechanisms.ts';

export default config;
