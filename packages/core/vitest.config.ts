import { mergeConfig } from 'vitest/config';
import base from '../../vitest.base.js';

export default mergeConfig(base, {
  test: {
    // These tests share no state, and a worker for each file takes longer than many of them.
    isolate: false,
    typecheck: { enabled: true, include: ['src/**/*.test-d.ts'], tsconfig: './tsconfig.json' },
  },
});
