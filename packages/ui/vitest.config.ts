import { mergeConfig } from 'vitest/config';
import base from '../../vitest.built.js';

export default mergeConfig(base, { test: { include: ['{web,test}/**/*.test.ts'] } });
