import { childArguments } from './child.js';

/** Prints the milliseconds that importing a module takes. */
const [name] = childArguments() as [string];
const began = performance.now();
await import(name);
console.log(JSON.stringify(performance.now() - began));
