import { fileURLToPath } from 'node:url';
import { mergeConfig } from 'vitest/config';
import base from './vitest.base.js';

/** For packages with tests that start the built program. Each such test needs a current build. */
export default mergeConfig(base, {
  test: {
    globalSetup: [fileURLToPath(new URL('scripts/build-before-tests.ts', import.meta.url))],
  },
});
