import { simulated } from '@stratagem/simulated';

/** A model that costs nothing and needs no key. `openai()` and `anthropic()` are real ones. */
export const runner = simulated();
