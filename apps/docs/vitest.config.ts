import config from '../../vitest.built.js';

export default config;
