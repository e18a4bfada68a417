export * from './attempt.js';
export * from './chaos.js';
export * from './server.js';
