// Entry point: plans from files.
export * from './document/document.js';
