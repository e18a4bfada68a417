import { fileURLToPath } from 'node:url';
import { mergeConfig } from 'vitest/config';
import base from '../../../vitest.base.js';

export default mergeConfig(base, {
  test: { globalSetup: [fileURLToPath(new URL('test/global-setup.ts', import.meta.url))] },
});
