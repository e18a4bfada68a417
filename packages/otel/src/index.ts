export { instrument } from './instrument.js';
export type { EventLogger, InstrumentOptions } from './options.js';
