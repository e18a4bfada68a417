import { didYouMean } from '../util/suggest.js';

const IN_STRATEGY = ['maxParallel', 'strategy: { name: parallel, maxParallel: 4 }'];

/**
 * Fields of other formats for plans, and what they are called here. The first one that is known counts. A
 * value may follow the name, where the field belongs inside another one.
 */
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  after: ['dependencies'],
  arguments: ['args'],
  attempts: ['maxAttempts'],
  cmd: ['command'],
  exec: ['command'],
  concurrency: IN_STRATEGY,
  condition: ['when'],
  deadline: ['deadlineMs'],
  dependson: ['dependencies'],
  deps: ['dependencies'],
  each: ['forEach'],
  if: ['when'],
  instruction: ['description'],
  input: ['args'],
  items: ['forEach'],
  jobs: ['tasks'],
  key: ['id'],
  iterations: ['repeat'],
  loop: ['repeat'],
  maxconcurrency: IN_STRATEGY,
  maxparallel: IN_STRATEGY,
  message: ['description'],
  messages: ['description'],
  name: ['id', 'goal'],
  needs: ['dependencies'],
  nodes: ['tasks'],
  outputfile: ['save'],
  params: ['args'],
  parameters: ['args'],
  objective: ['goal'],
  prompt: ['description'],
  requires: ['dependencies'],
  responseformat: ['outputSchema'],
  retries: ['retry'],
  run: ['command'],
  savefile: ['save'],
  saveto: ['save'],
  schema: ['outputSchema'],
  stages: ['tasks'],
  steps: ['tasks', 'subtasks'],
  text: ['description'],
  timeout: ['timeoutMs'],
  title: ['goal', 'description'],
  tries: ['maxAttempts'],
  until: ['repeat'],
  uses: ['tool'],
  while: ['repeat'],
};

/** What to write instead of an unknown field: the word of this format for it, a similar one, or all fields. */
export function adviceOf(field: string, known: readonly string[]): string {
  return (
    synonymOf(field, known) || didYouMean(field, known) || ` Known fields are ${known.join(', ')}.`
  );
}

/** ` Did you mean "dependencies"?` for the name of a field in another format, such as `depends_on`. */
function synonymOf(field: string, known: readonly string[]): string {
  const name = field.replace(/[-_\s]/g, '').toLowerCase();
  const meant = Object.hasOwn(SYNONYMS, name) ? SYNONYMS[name] : undefined;
  const found = meant?.find((each) => known.includes(each.split(':', 1)[0] as string));
  return found === undefined ? '' : ` Did you mean "${found}"?`;
}
