import { mergeConfig } from 'vitest/config';
import built from '../../vitest.built.js';

// The programs print what readers see: it is shown where one fails.
export default mergeConfig(built, { test: { silent: 'passed-only' } });
