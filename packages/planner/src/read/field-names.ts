export type TaskField =
  | 'id'
  | 'title'
  | 'description'
  | 'type'
  | 'dependencies'
  | 'subtasks'
  | 'tools'
  | 'model';

/** Normalized names that models use for each field, the preferred one first. */
export const NAMES: Readonly<Record<TaskField, readonly string[]>> = {
  id: [
    ...['id', 'taskid', 'stepid', 'nodeid', 'subtaskid', 'identifier', 'key', 'number'],
    ...['tasknumber', 'stepnumber', 'serialnumber', 'nr', 'no', 'index', 'step'],
  ],
  title: ['title', 'name', 'label', 'taskname', 'stepname', 'tasktitle', 'heading'],
  description: [
    ...['description', 'desc', 'taskdescription', 'stepdescription', 'prompt', 'instruction'],
    ...['instructions', 'task', 'details', 'detail', 'objective', 'content', 'text', 'query'],
    ...['summary', 'goal', 'action', 'subtask'],
  ],
  type: ['type', 'tasktype', 'kind', 'category'],
  dependencies: ['dependencies', 'dependson', 'dependency', 'depends', 'deps'],
  subtasks: ['subtasks', 'children', 'substeps', 'steps', 'tasks', 'childtasks'],
  tools: ['tools', 'tool', 'toolnames', 'toolname'],
  model: ['model', 'modelname'],
};

/** Fields that change how a plan runs, so that they cannot be ignored. */
const FORBIDDEN = [
  ...['run', 'when', 'foreach', 'waitfor', 'outputschema', 'condition', 'if'],
  // A loop multiplies what a plan costs, and the limits of a plan count its tasks.
  ...['repeat', 'loop', 'until', 'while', 'repeatuntil', 'iterations', 'maxiterations'],
];

export function isForbidden(key: string): boolean {
  return FORBIDDEN.includes(key);
}

// --- Dependencies ---

const TASKS = '(?:tasks?|steps?|nodes?|subtasks?|actions?|jobs?|stages?|activit(?:y|ies)|items?)';
const WHICH = '(?:on|upon|other|previous|prior|earlier|existing)';
const PARTS =
  '(?:ids?|names?|titles?|refs?|references?|numbers?|nos?|nums?|index(?:es)?|indices|keys?|lists?|array|set)';
const REST = `${WHICH}*${TASKS}?${PARTS}*`;

/** These say that the named tasks come first, so that any value is a dependency. */
const DEPENDENCIES = [
  ...['deps?', 'depends?', 'depending', 'dependent', 'dependenc(?:y|ies)', 'dependants?'],
  ...['pre(?:requisite|req)s?', 'predecessors?', 'requires?', 'required', 'needs?'],
  ...['after', 'blockedby', 'upstream', 'waitson', 'waitsfor', 'waitingon', 'parents'],
  'precededby',
];
const PLAIN = new RegExp(`^(?:task|step)?(?:${DEPENDENCIES.join('|')})${REST}$`);
const PLURAL_PARENTS = /^parent(?:tasks|steps|nodes|ids|taskids|stepids|nodeids)$/;
/** `dependents` are the tasks that come later, in plain English; models mean either. */
const EITHER_WAY =
  /^(?:dependents?|dependants?|dependency?of|dependenciesof|requiredby|requiredfor|neededby|neededfor|dependencyfor|dependenciesfor|prerequisites?(?:of|for)|predecessors?of)/;

/** These come first as well, but the value may also be a text that names no task. */
const AFTER_IF_TASKS = new RegExp(
  '^(?:requirements?|preconditions?|needed|rel(?:ies|ying)?on|reliant(?:on)?|based?(?:d)?on|builds?on|derivedfrom|follows|followson|' +
    'comesafter|(?:run|start|execute|begin|do|done|runs|starts)after|triggeredby|enabledby|unlockedby|' +
    `(?:previous|prior|preceding|earlier|former)${TASKS}|previous|` +
    `(?:input|inputs|output|outputs|results?|data|context)from|` +
    `(?:input|source|context)${TASKS}|usesoutputs?(?:of|from))` +
    `${REST}$`,
);

/** How a field relates its task to the tasks that its value names. */
export type Direction = 'dependencies' | 'dependencies if tasks' | 'unclear';

/** @param key A normalized name. */
export function directionOf(key: string): Direction {
  if (isPlainDependency(key)) return 'dependencies';
  if (AFTER_IF_TASKS.test(key)) return 'dependencies if tasks';
  return 'unclear';
}

/** Whether every value under this name is a dependency. */
export function isPlainDependency(key: string): boolean {
  if (NAMES.dependencies.includes(key) || PLURAL_PARENTS.test(key)) return true;
  if (/^dependen[ta]nts?$/.test(key)) return false;
  if (
    EITHER_WAY.test(key) &&
    !/^dependent(?:on|upon|tasks?|steps?|nodes?|subtasks?|ids?)/.test(key)
  ) {
    return false;
  }
  return PLAIN.test(key);
}

/** Names of fields that link tasks, so that even a number there names one. */
const LINKS = new RegExp(
  '^(?:task|step)?(?:inputs?|blocks|blocking|blockers?|unblocks|next|then|successors?|follow(?:ed|s)?by|' +
    'followups?|leadsto|before|precedes|goto|to|feeds|feedsinto|triggers|enables|unlocks|from|links?|' +
    'linkedto|edges|connects?to|connections?|related(?:to)?|relations?|rel(?:y|ies)|refs?|references?|' +
    'parent|dependents?|dependants?|requiredby|neededby|requiredfor|neededfor|outputs?to|outputfor|' +
    'usedby|usedin|uses|consumes|consumers?|sources?|downstream|flow|flowsto|' +
    'on(?:success|failure|complete|completion|error)|parallelwith|concurrentwith|runswith|with)' +
    `${REST}$`,
);
/** These point to later tasks, so that they would only confuse a model that does the task. */
const LATER = new RegExp(
  '^(?:blocks|blocking|unblocks|next|successors?|follow(?:ed|s)?by|leadsto|before|precedes|goto|' +
    'feeds|feedsinto|triggers|enables|unlocks|dependents?|dependants?|requiredby|neededby|' +
    `downstream|usedby|parent)${REST}$`,
);

export function isLink(key: string): boolean {
  return LINKS.test(key);
}

export function isLater(key: string): boolean {
  return LATER.test(key);
}

/** Fields that place a task in an order or a group, without naming other tasks. */
const ORDER =
  /^(?:parallel|execution|exec|run|running|task|step|concurrency|concurrent|sequence|sequential)*(?:group|phase|stage|wave|batch|order|ordering|level|sequence|seq|round|tier|rank|lane|layer)(?:id|ids|number|no|num|index|name)?$/;

export function isOrder(key: string): boolean {
  return ORDER.test(key);
}

// --- Work ---

/** Fields about the handling of a task. They say nothing about its work. */
const BOOKKEEPING = new RegExp(
  '^(?:status|state|priority|importance|progress|percent\\w*|done|completed?|iscompleted?|finished|' +
    'optional|mandatory|critical|iscritical|required|parallel|isparallel|parallelizable|canparallel\\w*|' +
    'concurrent|async|blocking|created\\w*|updated\\w*|started\\w*|ended\\w*|finished\\w*|' +
    '(?:estimated|expected|approx\\w*)(?:duration|time|hours|minutes|seconds|days|effort|cost|tokens|' +
    'complexity|difficulty)(?:ms|seconds|minutes|hours|days|usd)?|' +
    '(?:duration|time|effort|cost|complexity|difficulty)estimate|duration|effort|complexity|difficulty|' +
    'estimates?|estimated|storypoints|points|weight|confidence|score|retries|maxretries|retrycount|retry|' +
    'timeout(?:ms|seconds|s)?|attempts|uuid|shell|enabled)$',
);

/** Settings of a run that only the caller may choose. */
const SETTINGS = /^(?:retry|retries|retrypolicy|timeout|budget|limits|estimates?)$/;

export function isBookkeeping(key: string, value: unknown): boolean {
  return typeof value === 'object' ? SETTINGS.test(key) : BOOKKEEPING.test(key);
}
