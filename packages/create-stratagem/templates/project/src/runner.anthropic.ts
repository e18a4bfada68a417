import { anthropic } from '@stratagem/anthropic';

/** Reads the key from `ANTHROPIC_API_KEY`: copy `.env.example` to `.env`. */
export const runner = anthropic();
