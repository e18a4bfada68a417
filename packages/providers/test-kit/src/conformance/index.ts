export * from './batch.js';
export * from './chaos.js';
export * from './lazy-import.js';
export * from './provider.js';
export * from './readme.js';
export * from './recorded.js';
export * from './subject.js';
