export * from './attempt.js';
export * from './backpressure.js';
export * from './batch-server.js';
export * from './chaos.js';
export * from './mock-chaos.js';
export * from './server.js';
export * from './wire.js';
