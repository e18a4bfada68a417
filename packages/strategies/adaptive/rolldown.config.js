import { globSync } from 'node:fs';
import { bundle } from '../../../rolldown.base.js';

const config = await bundle(import.meta.dirname);
// For `pnpm bench ablation` alone, which replaces methods: the package does not export these files.
for (const file of globSync('src/**/*.ts', { cwd: import.meta.dirname })) {
  if (!file.includes('.test')) config.input[file.slice('src/'.length, -'.ts'.length)] = `./${file}`;
}

export default config;
