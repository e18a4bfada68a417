/**
 * Every sentence that reports a repair. Names and values are given in quotes where they need them.
 * `test/repairs.md` shows which repair occurs in which fixture; one that occurs in none has no
 * reason to exist.
 */
export const REPAIRS = {
  // The text.
  textIgnored: () => 'The text around the JSON was ignored.',
  jsonRepaired: () => 'The JSON was invalid and was repaired.',
  quotesUnescaped: () => 'Escaped quotes in the JSON were unescaped.',
  jsonInString: () => 'The plan was written as JSON inside a string.',
  otherFormat: (format: string) => `The plan was written as ${format}.`,
  // The list of tasks.
  tasksCombined: () => 'Separate tasks were combined into one list.',
  bareList: () => 'The list of tasks was not inside an object.',
  listRenamed: (name: string) => `${name} was read as the list of tasks.`,
  planUnwrapped: (name: string) => `The plan was read from ${name}.`,
  keysAsIds: () => 'Object keys were used as task ids.',
  planFieldIgnored: (name: string) => `The plan field ${name} was ignored.`,
  planFieldRead: (name: string) => `The plan field ${name} was read as dependencies.`,
  duplicateTask: (position: string) => `Task ${position}, a duplicate, was ignored.`,
  // The fields of a task.
  fieldRenamed: (name: string, field: string) => `${name} was read as "${field}".`,
  fieldAdded: (name: string, field: string) => `${name} was added to "${field}".`,
  fieldIgnored: (name: string) => `The task field ${name} was ignored.`,
  idGenerated: () => 'Missing task ids were generated.',
  idRenamed: (id: string, renamed: string) =>
    `The id ${id} was used at two levels; the inner one is now ${renamed}.`,
  idConverted: () => 'Numeric task ids were converted to strings.',
  titleUsed: () => 'Task titles were used as missing descriptions.',
  typeRead: (type: string, known: string) => `The type ${type} was read as "${known}".`,
  toolRead: (tool: string, known: string) => `The tool ${tool} was read as "${known}".`,
  toolTwice: (tool: string) => `The tool ${tool} was listed twice in a task.`,
  toolsOfGroup: (id: string) => `The tools of ${id} were ignored: its subtasks do the work.`,
  modelIgnored: () => '"model" was ignored: tasks have no choice of models.',
  // Dependencies.
  needsListed: () => 'Dependencies were converted to lists.',
  needsConverted: () => 'Dependencies were converted to strings.',
  needRead: (need: string, id: string) => `The dependency ${need} was read as ${id}.`,
  needSplit: (need: string) => `The dependency ${need} was split into several.`,
  needTwice: (id: string) => `A duplicate dependency on ${id} was removed.`,
  needItself: (id: string) => `The dependency of ${id} on itself was removed.`,
  needContainer: (id: string, container: string) =>
    `The dependency of ${id} on ${container}, which contains it, was removed.`,
  needSubtask: (id: string, subtask: string) =>
    `The dependency of ${id} on its own subtask ${subtask} was removed.`,
  madeAggregate: (id: string) => `${id} was made an aggregate, as it needs its subtasks.`,
  // References in texts.
  referenceRead: (written: string, reference: string) =>
    `${written} was read as "{{${reference}}}".`,
  referenceKept: (written: string) => `${written} was kept as plain text.`,
  needAdded: (id: string, need: string) =>
    `${id} uses the output of ${need}, so it now depends on it.`,
} as const;
