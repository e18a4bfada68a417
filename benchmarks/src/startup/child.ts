import { registerHooks } from 'node:module';
import { childArguments } from '../util/child-process.js';

/** Prints the milliseconds to import a module, or the SDKs that the import loads. */
const SDKS = ['openai', '@anthropic-ai/sdk'];

const [name, what] = childArguments() as [string, 'ms' | 'sdks'];
if (what === 'ms') {
  const began = performance.now();
  await import(name);
  console.log(JSON.stringify(performance.now() - began));
} else {
  const loaded = new Set<string>();
  registerHooks({
    load(url, context, nextLoad) {
      for (const sdk of SDKS) if (url.includes(`/node_modules/${sdk}/`)) loaded.add(sdk);
      return nextLoad(url, context);
    },
  });
  await import(name);
  console.log(JSON.stringify([...loaded]));
}
