import { mergeConfig } from 'vitest/config';
import built from '../../../vitest.built.js';

export default mergeConfig(built, {});
