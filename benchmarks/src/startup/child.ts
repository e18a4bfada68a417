import { registerHooks } from 'node:module';
import { childArguments } from '../util/child-process.js';

/** Prints what it takes to import modules: milliseconds, on the clock and of the CPU; or the SDKs that are loaded. */
const SDKS = ['openai', '@anthropic-ai/sdk'];

const [names, what] = childArguments() as [string[], 'ms' | 'sdks'];
const load = () => Promise.all(names.map((name) => import(name)));
if (what === 'ms') {
  const cpu = process.cpuUsage();
  const began = performance.now();
  await load();
  const ms = performance.now() - began;
  const { user, system } = process.cpuUsage(cpu);
  console.log(JSON.stringify([ms, (user + system) / 1000]));
} else {
  const loaded = new Set<string>();
  registerHooks({
    load(url, context, nextLoad) {
      for (const sdk of SDKS) if (url.includes(`/node_modules/${sdk}/`)) loaded.add(sdk);
      return nextLoad(url, context);
    },
  });
  await load();
  console.log(JSON.stringify([...loaded]));
}
