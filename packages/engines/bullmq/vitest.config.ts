import { fileURLToPath } from 'node:url';
import { mergeConfig } from 'vitest/config';
import built from '../../../vitest.built.js';

export default mergeConfig(built, {
  test: { globalSetup: [fileURLToPath(new URL('test/global-setup.ts', import.meta.url))] },
});
