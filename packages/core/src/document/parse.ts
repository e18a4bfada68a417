import type * as z from 'zod';
import { TASK_OPTIONS } from '../contract/call-options.js';
import type { Plan } from '../contract/plan.js';
import { PLAN_SETTINGS } from '../contract/plan.js';
import { PlanError, type PlanProblem } from '../contract/plan-error.js';
import type { ModulePlan, Task } from '../contract/task.js';
import { isRecord } from '../util/record.js';
import { didYouMean } from '../util/suggest.js';
import { add, type PlanPath } from '../validate/checks.js';
import { checkModuleSettings, UNKNOWN_MODULE } from '../validate/module.js';
import { crossTaskProblems, validatePlan } from '../validate/plan.js';
import { checkSettings } from '../validate/settings.js';
import { adviceOf } from '../validate/synonyms.js';
import { documentInputs } from './inputs.js';
import { type ModelProfile, profileSchema } from './model-schema.js';
import { checkModels, type ModelUse, unknownModels } from './models.js';
import { withProfiles } from './module-models.js';
import { planDocumentSchema, taskSchema } from './schema.js';
import { estimateSchema } from './settings-schema.js';
import { STRATEGIES, type StrategySpec, strategyObjects } from './strategy-schema.js';
import { documentTasks, type ModuleAt, type RowsAt } from './tasks.js';

/** A plan, and what its file says about how it is run. */
export interface ParsedPlan {
  readonly plan: Plan;
  readonly strategy?: StrategySpec;
  /** Profiles of models by name; a task without a `model` has the one named `default`, if any. */
  readonly models?: Readonly<Record<string, ModelProfile>>;
}

/**
 * Checks a plan that comes from outside: a parsed JSON or YAML file, or the response of a service. For
 * tasks with the path of another plan file, see {@link loadPlanDocument}.
 *
 * @throws {PlanError} with every problem: unknown and missing fields, wrong types, duplicate ids,
 * unknown dependencies, cycles.
 *
 * @example
 * const { plan, strategy } = parsePlanDocument(JSON.parse(text));
 */
export function parsePlanDocument(value: unknown): ParsedPlan {
  return parsedPlan(parseDocument(value, { fileAt: () => NO_FILES }));
}

const NO_FILES =
  'is the path of a file, which cannot be read here: loadPlanDocument() takes a function that reads files';

/** @throws {PlanError} with its problems, and with those of its modules together. */
export function parsedPlan({ problems, parsed, hasModules }: ParsedDocument): ParsedPlan {
  if (parsed === undefined || problems.length > 0) throw new PlanError(problems);
  // How deep and how large the modules are together.
  const found = hasModules ? validatePlan(parsed.plan) : [];
  if (found.length > 0) throw new PlanError(found);
  return parsed;
}

/** A plan file that was parsed, and its problems. */
export interface ParsedDocument {
  readonly problems: readonly PlanProblem[];
  /** Undefined when there are problems. */
  readonly parsed: ParsedPlan | undefined;
  /** Names of models in files without profiles. */
  readonly uses: readonly ModelUse[];
  readonly hasModules: boolean;
}

export interface DocumentOptions {
  /** The file of a module; undefined for the plan of a run. */
  readonly file?: string | undefined;
  /** Whether the document is the plan of a module. */
  readonly isModule?: boolean | undefined;
  /** How deep the tasks around it are nested. */
  readonly depth?: number | undefined;
  /** The rows of a file that a fan-out names. */
  readonly rowsAt?: RowsAt | undefined;
  /** The file at a path in the document, or why there is none; undefined when that was reported. */
  readonly fileAt: (path: string) => ParsedFile | string | undefined;
}

/** A file that a module names. */
export interface ParsedFile extends ParsedDocument {
  /** A short name, for profiles of models. */
  readonly label: string;
}

/** Parses a plan file, whose nested files have been parsed already. */
export function parseDocument(value: unknown, options: DocumentOptions): ParsedDocument {
  const { file, isModule = false, depth = 0 } = options;
  const problems: PlanProblem[] = [];
  const record = typeof value === 'object' && value !== null ? value : {};
  const { tasks: listed, goalState } = record as { tasks?: unknown; goalState?: unknown };
  const nested: NestedPlan[] = [];
  const moduleAt = moduleReader(problems, nested, options);
  const { rowsAt = () => NO_FILES } = options;
  const tasks = documentTasks(problems, listed, { moduleAt, rowsAt }, ['tasks'], depth + 1);
  const broken = (all: readonly PlanProblem[]): ParsedDocument => ({
    problems: file === undefined ? all : all.map((problem) => ({ file, ...problem })),
    parsed: undefined,
    uses: [],
    hasModules: nested.length > 0,
  });
  // The schema is recursive, so subtasks that are nested too deep must not reach it.
  if (problems.some(({ code }) => code === 'too_deep')) {
    return broken(problems);
  }

  const checked = planDocumentSchema.safeParse(value, { reportInput: true });
  const shape = checked.success ? [] : checked.error.issues.filter(isReported).flatMap(toProblems);
  const { inputs: declared, ...settings } = record as Record<string, unknown>;
  const inputs = declared === undefined ? undefined : documentInputs(problems, declared);
  checkSettings(problems, settings);
  if (isModule) checkModuleSettings(problems, settings, []);
  const own = checkModels(problems, settings);
  // Where the inputs have problems of their own, references to them would be reported as well.
  const areInputsKnown = inputs !== undefined || declared === undefined;
  const isChecked = tasks !== undefined && areInputsKnown;
  const cross = isChecked ? crossTaskProblems(tasks, { ...settings, goalState, inputs }) : [];
  const all = [...problems, ...shape, ...cross];
  // The checks above have better messages, and must not accept more than the schema.
  const isBroken = nested.some(({ document }) => document.parsed === undefined);
  if (all.length === 0 && !checked.success && !isBroken) {
    all.push(...checked.error.issues.flatMap(toProblems));
  }
  const uses = [...own, ...nested.flatMap((each) => each.document.uses)];
  if (!checked.success || all.length > 0 || isBroken) {
    return broken(all);
  }
  const { $schema: _, strategy, models, tasks: __, inputs: ___, ...rest } = checked.data;
  const profiles: Record<string, ModelProfile> = { ...models };
  const renamed = new Map(
    nested.map(({ document, label }) => {
      const { plan, models: others } = document.parsed as ParsedPlan;
      return [plan, others ? withProfiles(plan, others, profiles, label) : plan] as const;
    }),
  );
  const names = Object.keys(profiles);
  const isOwn = models !== undefined;
  const why = isOwn ? '' : ' Where a module has profiles, each model is the name of one.';
  const known = isOwn ? Object.keys(models) : names;
  const unknown = names.length > 0 && (isOwn || !isModule) ? unknownModels(uses, known, why) : [];
  if (unknown.length > 0) return broken(unknown);
  const plan = {
    ...rest,
    ...(inputs !== undefined && { inputs }),
    tasks: nested.length === 0 ? tasks : withModules(tasks as Task[], renamed),
  } as Plan;
  const parsed = {
    plan,
    ...(strategy !== undefined && {
      strategy: typeof strategy === 'string' ? { name: strategy } : strategy,
    }),
    ...(names.length > 0 || isOwn ? { models: profiles } : {}),
  };
  return { problems: [], parsed, uses: isOwn ? [] : uses, hasModules: nested.length > 0 };
}

/** A plan in a document, as a file or written in place. */
interface NestedPlan {
  readonly label: string;
  readonly document: ParsedDocument;
}

function moduleReader(
  problems: PlanProblem[],
  nested: NestedPlan[],
  { fileAt, rowsAt }: DocumentOptions,
): ModuleAt {
  return (given, { id, path, depth }) => {
    let found: NestedPlan;
    if (typeof given === 'string') {
      const read = fileAt(given);
      if (typeof read === 'string') add(problems, 'invalid_value', path, read);
      if (typeof read !== 'object') return UNKNOWN_MODULE;
      found = { label: read.label, document: read };
    } else if (isRecord(given)) {
      const document = parseDocument(given, { isModule: true, depth, fileAt, rowsAt });
      for (const problem of document.problems) {
        const isOfFile = problem.file !== undefined;
        problems.push(isOfFile ? problem : { ...problem, path: [...path, ...problem.path] });
      }
      found = { label: String(id), document: { ...document, uses: placed(document.uses, path) } };
    } else {
      const message = 'must be the path of a plan file, like ./review.yaml, or a plan';
      add(problems, 'invalid_value', path, message);
      return UNKNOWN_MODULE;
    }
    nested.push(found);
    return found.document.parsed?.plan ?? UNKNOWN_MODULE;
  };
}

function placed(uses: readonly ModelUse[], path: PlanPath): ModelUse[] {
  return uses.map((use) =>
    use.file === undefined ? { ...use, path: [...path, ...use.path] } : use,
  );
}

function withModules(tasks: readonly Task[], plans: ReadonlyMap<ModulePlan, ModulePlan>): Task[] {
  return tasks.map((task) => ({
    ...task,
    ...(task.subtasks && { subtasks: withModules(task.subtasks, plans) }),
    ...(task.plan && { plan: plans.get(task.plan) ?? task.plan }),
  }));
}

/** Fields of a task whose problems are reported by the checks of plans in general. */
const CHECKED_FIELDS: ReadonlySet<string> = new Set([
  'outputSchema',
  'tools',
  'attachments',
  'when',
  'forEach',
  'repeat',
  'retry',
  'timeoutMs',
  'idleTimeoutMs',
  'waitFor',
  'tool',
  'args',
  'command',
  'save',
  'plan',
  'with',
  ...TASK_OPTIONS,
]);

/** Whether the schema is to report an issue. */
function isReported(issue: z.core.$ZodIssue): boolean {
  const [first, ...path] = issue.path;
  if (PLAN_SETTINGS.includes(first as string)) return false;
  if (first === 'models') {
    // Unknown fields, profiles that are none, and runners.
    return path.length < 2 || issue.code === 'unrecognized_keys' || path[1] === 'runner';
  }
  while (path[1] === 'subtasks') path.splice(0, 2);
  const [, field] = path;
  return !(first === 'tasks' && CHECKED_FIELDS.has(field as string));
}

function toProblems(issue: z.core.$ZodIssue): PlanProblem[] {
  const path = issue.path.filter((step) => typeof step !== 'symbol');
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = fieldsAt(path, issue.input);
      return issue.keys.map((key) => ({
        code: 'unknown_field',
        path: [...path, key],
        message: `unknown field "${key}".${adviceOf(key, known)}`,
      }));
    }
    case 'invalid_union':
      return strategyProblems(issue, path);
    case 'too_small':
      if (path.length === 1 && path[0] === 'tasks') {
        return [{ code: 'empty_plan', path, message: issue.message }];
      }
      break;
    case 'invalid_value': {
      const word = typeof issue.input === 'string' ? issue.input : undefined;
      const suggestion = word === undefined ? '' : didYouMean(word, issue.values.map(String));
      const message = suggestion === '' ? issue.message : `${issue.message}.${suggestion}`;
      return [
        { code: issue.input === undefined ? 'missing_field' : 'invalid_value', path, message },
      ];
    }
  }
  const code = issue.input === undefined ? 'missing_field' : 'invalid_value';
  return [{ code, path, message: issue.message }];
}

/** A strategy is a name or an object: reports the problems of the form that was meant. */
function strategyProblems(
  issue: z.core.$ZodIssueInvalidUnion,
  path: (string | number)[],
): PlanProblem[] {
  const { input, errors, message } = issue;
  const name =
    typeof input === 'object' && input !== null ? (input as { name?: unknown }).name : input;
  if (typeof name === 'string' && !STRATEGIES.includes(name)) {
    const at = input === name ? path : [...path, 'name'];
    const suggestion = didYouMean(name, STRATEGIES);
    const text = `unknown strategy "${name}"; it must be one of ${STRATEGIES.join(', ')}.${suggestion}`;
    return [{ code: 'invalid_value', path: at, message: text }];
  }
  const ofObject = errors.at(-1) ?? [];
  if (typeof name !== 'string' || ofObject.length === 0) {
    return [{ code: 'invalid_value', path, message }];
  }
  return ofObject.flatMap((inner) =>
    toProblems({ ...inner, path: [...path, ...inner.path] } as z.core.$ZodIssue),
  );
}

function fieldsAt(path: readonly (string | number)[], input: unknown): string[] {
  if (path.length === 0) return Object.keys(planDocumentSchema.shape);
  if (path[0] === 'strategy') {
    const named = strategyObjects.find(
      (option) => option.shape.name.value === (input as { name?: unknown }).name,
    );
    return Object.keys(named?.shape ?? {});
  }
  if (path[0] === 'models') return Object.keys(profileSchema.shape);
  return Object.keys((path.at(-1) === 'estimate' ? estimateSchema : taskSchema).shape);
}
