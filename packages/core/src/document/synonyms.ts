/** Fields of other formats for plans, and what they are called here. The first one that is known counts. */
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  after: ['dependencies'],
  arguments: ['args'],
  cmd: ['command'],
  exec: ['command'],
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
  message: ['description'],
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
  until: ['repeat'],
  uses: ['tool'],
  while: ['repeat'],
};

/** ` Did you mean "dependencies"?` for the name of a field in another format, such as `depends_on`. */
export function synonymOf(field: string, known: readonly string[]): string {
  const name = field.replace(/[-_\s]/g, '').toLowerCase();
  const meant = Object.hasOwn(SYNONYMS, name) ? SYNONYMS[name] : undefined;
  const found = meant?.find((each) => known.includes(each));
  return found === undefined ? '' : ` Did you mean "${found}"?`;
}
