import { allMembersOf, declarationsOf, type Member } from '../declarations.js';
import { memberTable } from '../tables.js';

const contract = (name: string) => declarationsOf(`packages/core/src/contract/${name}.ts`);

/** The reference of everything that code passes to Stratagem. */
export function executorReference(): string {
  const own = ownMembersOf('runtime/executor-options', 'ExecutorOptions');
  const run = ownMembersOf('runtime/options', 'RunOptions');
  const names = own.map(({ name }) => name);
  const execute = ownMembersOf('runtime/options', 'ExecuteOptions');
  return `# Options in code

Made from the doc comments of the code. Your editor shows the same texts.

## \`createExecutor\`

${memberTable(own, true)}

It also takes every option of a run, below: then they are those of all its runs.

## \`execute\`: options of a run

${memberTable([...run.filter(({ name }) => !names.includes(name)), ...execute], true)}

\`maxParallel\` and \`resources\` may be given here too, for this run alone.

## \`resume\`

Takes the options of a run, and these:

${memberTable(ownMembersOf('journal/resume-options', 'ResumeOptions'), true)}

## A plan

\`goal\` and \`tasks\`, and:

${memberTable(membersOf('plan', 'PlanSettings'), true)}

## A task

${memberTable(membersOf('task', 'Task'), true)}

A task for a model also has the options of [Options of a model](../providers.md#options-of-a-model).

## \`retry\`

${memberTable(membersOf('retry', 'RetryPolicy'), true)}

## \`budget\`

${memberTable(membersOf('budget', 'Budget'), true)}

## \`estimate\`

${memberTable(membersOf('task', 'Estimate'), true)}

## \`forEach\`

A path of a list in an output, such as \`gather.documents\`; a function that returns a list; or an object:

${memberTable(membersOf('for-each', 'ForEachOfList'), true)}

An object with a \`stream\` in the place of \`items\` runs the task for each item that it reads:

${memberTable(membersOf('for-each', 'ItemStream'), true)}

## \`repeat\`

${memberTable(membersOf('repeat', 'Repeat'), true)}

## \`waitFor\`

\`'approval'\`, \`'answer'\`, or an object:

${memberTable(membersOf('wait-for', 'WaitFor'), true)}

## \`parallel\`

${memberTable(strategyOptions('parallel', 'ParallelOptions'), true)}

## \`adaptive\`

${memberTable(strategyOptions('adaptive', 'AdaptiveOptions'), true)}

\`sequential()\` takes no options.
`;
}

/** The members of an interface in a file of core, without those that it extends. */
function ownMembersOf(file: string, name: string): readonly Member[] {
  const members = declarationsOf(`packages/core/src/${file}.ts`).get(name)?.members ?? [];
  if (members.length === 0) throw new Error(`${file}.ts declares no members of ${name}`);
  return members;
}

function membersOf(file: string, name: string): readonly Member[] {
  // What the other form of a field has is left out of this one.
  const members = allMembersOf(contract(file), name).filter(({ type }) => type !== 'undefined');
  if (members.length === 0) throw new Error(`${file}: ${name} has no members`);
  return members;
}

function strategyOptions(name: string, type: string): readonly Member[] {
  const file = `packages/strategies/${name}/src/${name}.ts`;
  const members = declarationsOf(file).get(type)?.members;
  if (members === undefined) throw new Error(`${file} does not declare ${type}`);
  return members;
}
