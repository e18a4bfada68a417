import config from '../../vitest.base.js';

export default config;
