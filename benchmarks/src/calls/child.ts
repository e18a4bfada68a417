import { childArguments } from '../util/child-process.js';
import { CONTENDERS, type Contender, type Mode } from './contenders.js';

/** Measures one contender in a process of its own: CPU milliseconds a request, and peak memory. */
const [mode, name, url, requests, parallel] = childArguments() as [
  Mode,
  string,
  string,
  number,
  number,
];
const contender = (CONTENDERS[mode] as Readonly<Record<string, Contender>>)[name] as Contender;
const promptsOf = (count: number) =>
  Array.from({ length: count }, (_, index) => `Question ${index}: what is the answer?`);

await contender(url, promptsOf(200), parallel);
const before = process.cpuUsage();
const answers = await contender(url, promptsOf(requests), parallel);
const { user, system } = process.cpuUsage(before);
if (answers.length !== requests || !answers.every((text) => text.endsWith('15 of the answer. '))) {
  throw new Error(`${name} did not return every answer`);
}
const peakMegabytes = process.resourceUsage().maxRSS / 1_024;
console.log(JSON.stringify({ cpuMs: (user + system) / 1_000 / requests, peakMegabytes }));
process.exit();
