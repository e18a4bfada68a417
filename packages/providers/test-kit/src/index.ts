export * from './attempt.js';
export * from './server.js';
