import { allMembersOf, type Declaration, declarationsOf } from '../declarations.js';
import { memberTable, table } from '../tables.js';

const FILE = 'packages/core/src/contract/event.ts';
/** Declared elsewhere: what some events extend. */
const BASES = [
  'packages/core/src/contract/strategy.ts',
  'packages/core/src/contract/output-part.ts',
  'packages/core/src/contract/tool-approval.ts',
];
/** In every event, and said once. */
const COMMON = ['type', 'sequence', 'timestamp'];

/** The reference of all events, in the order in which `RunEvent` lists them. */
export function eventReference(): string {
  const declarations = new Map([
    ...BASES.flatMap((file) => [...declarationsOf(file)]),
    ...declarationsOf(FILE),
  ]);
  const names = declarations.get('RunEvent')?.parts ?? [];
  const events = names.map((name) => declarations.get(name) as Declaration);
  return `# Events

A run is a log of events. The result, the metrics, the report and the recovery after a crash are all computed from this
log alone. Read it while the run goes on, with \`for await (const event of run)\` or \`onEvent\`, and afterwards in
\`result.timeline\` or with \`readRun(journal, runId)\`.

Every event has these three fields:

| field       | meaning                                                                                   |
| ----------- | ----------------------------------------------------------------------------------------- |
| \`type\`      | one of the names below                                                                    |
| \`sequence\`  | position in the log of the run, from 0                                                    |
| \`timestamp\` | Unix time in milliseconds, with a fraction; it never goes backwards within a run          |

As JSON, an event is the same object. Its errors are \`{ name, code, message, … }\` there.

${events.map((each) => section(each, declarations)).join('\n\n')}
`;
}

function section(event: Declaration, declarations: ReadonlyMap<string, Declaration>): string {
  const members = allMembersOf(declarations, event.name);
  const type = members.find(({ name }) => name === 'type')?.type.replaceAll("'", '');
  if (type === undefined) throw new Error(`${event.name} has no type`);
  const fields = members.filter(({ name }) => !COMMON.includes(name));
  const meaning = event.doc === '' ? MEANINGS[type] : event.doc;
  if (meaning === undefined) throw new Error(`${event.name} has no description`);
  const own = fields.length === 0 ? 'No other fields.' : memberTable(fields.map(explain), false);
  const parts = type === 'task_output' ? `\n\n${outputParts()}` : '';
  return `## \`${type}\`\n\n${meaning}\n\n${own}${parts}`;
}

/** The kinds of `task_output`, each with its fields. */
function outputParts(): string {
  const declarations = declarationsOf('packages/core/src/contract/output-part.ts');
  const rows = (declarations.get('OutputPart')?.parts ?? []).map((name) => {
    const { members = [], doc = '' } = declarations.get(name) ?? {};
    const kind = members.find((member) => member.name === 'kind')?.type.replaceAll("'", '');
    if (kind === undefined) throw new Error(`${name} has no kind`);
    const fields = members.filter((member) => member.name !== 'kind');
    return [`\`${kind}\``, fields.map((member) => `\`${member.name}\``).join(', '), doc];
  });
  if (rows.length === 0) throw new Error('OutputPart has no kinds');
  return table(['kind', 'fields', 'meaning'], rows);
}

/** Events whose names say what happened have no comment in the code. */
const MEANINGS: Readonly<Record<string, string>> = {
  run_started: 'A run begins: its plan, its inputs and its limits. The first event of every log.',
  strategy_initialized: 'The strategy is ready for this run.',
  task_started: 'An attempt at a task starts.',
  task_completed: 'A task is complete; its output is here.',
  task_failed: 'A task has failed, and will not be tried again.',
  task_skipped: 'A task will never start; the reason is here.',
  task_canceled: 'A task was ended before it was complete.',
  goal_checked: 'The criteria of the goal were checked.',
  run_unpaused: 'Tasks start again after a pause.',
  max_parallel_changed: 'Somebody changed how many attempts may be in flight.',
  run_completed: 'The plan is complete. The last event of the log, like the two below.',
  run_failed: 'The plan has failed; the error says why.',
  run_canceled: 'The run was canceled.',
};

const FIELDS: Readonly<Record<string, string>> = {
  taskId: 'The task.',
  level: 'Its level: 0 without dependencies, else 1 more than the highest level among them.',
  durationMs: 'How long it took, in milliseconds.',
  error: 'What went wrong, with a stable `code`.',
  output: 'The output.',
  usage: 'Tokens.',
  costUsd: 'The cost in US dollars; left out when a price is unknown.',
  model: "The provider's name of the model.",
  requestId: "The provider's id of the request, for its support.",
  plan: 'The plan.',
  strategy: 'Its name.',
  reason: 'Why.',
  kind: 'What it waits for: `approval` or `answer`.',
  question: 'What to decide or to answer.',
  source: 'Where the tasks come from.',
  tasks: 'The new tasks.',
  achieved: 'Whether all criteria are met.',
  criteria: 'Each criterion, and how far it is met.',
  progress: 'The share of the criteria that are met, by weight: 0 to 1.',
  budget: 'Which limit.',
  limit: 'The limit.',
  resource: 'Its name.',
  pauseMs: 'For how long, in milliseconds.',
  tool: 'The name of the tool.',
};

function explain<M extends { readonly name: string; readonly doc: string }>(member: M): M {
  return member.doc === '' ? { ...member, doc: FIELDS[member.name] ?? '' } : member;
}
