import { inject } from 'vitest';
// The context that the setup provides.
import './global-setup.js';

const urls = inject('engineUrls');

/** The kinds of servers that are installed, with their URLs. */
export const engines = Object.entries(urls) as (readonly ['postgres' | 'redis', string])[];

let count = 0;

/** The name of a queue that nobody has used. */
export function newQueue(): string {
  count++;
  return `test-${process.pid}-${Date.now().toString(36)}-${count}`;
}
