import { openai } from '@stratagem/openai';

/** Reads the key from `OPENAI_API_KEY`: copy `.env.example` to `.env`. */
export const runner = openai();
