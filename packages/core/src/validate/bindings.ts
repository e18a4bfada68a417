import { inputRecordOf, type PlanInput } from '../contract/plan-inputs.js';
import { formatIssues, isStandardSchema, type StandardSchema } from '../contract/schema.js';
import type { Task } from '../contract/task.js';
import { parseTemplate, type TemplateReference } from '../contract/template.js';
import { isThenable } from '../util/promise.js';
import { isRecord } from '../util/record.js';
import { didYouMean } from '../util/suggest.js';
import { add, type PlanPath, type Problems, quote } from './checks.js';
import { kindsText, mayBe } from './kinds.js';
import { isModulePlan, UNKNOWN_MODULE } from './module.js';
import { kindOf, kindsOf, type Shape, shapeOf } from './shapes.js';

/** Reports a reference that leads nowhere, and returns what is known of its value otherwise. */
type Resolve = (reference: TemplateReference, at: PlanPath) => Shape | undefined;

/** How `with` is checked. */
interface BindingContext {
  readonly problems: Problems;
  /** Where the task is. */
  readonly path: PlanPath;
  /** Whether references may name this id. */
  readonly isInput: (id: string) => boolean;
  /** Whether a reference is to a secret input of the plan. */
  readonly isSecret: (reference: TemplateReference) => boolean;
  readonly resolve: Resolve;
}

/** Checks the values that a module gets against the inputs of its plan. */
export function checkBindings({ plan, with: given = {} }: Task, context: BindingContext): void {
  // What a function returns is checked when it is called.
  if (!isModulePlan(plan) || !isRecord(given)) return;
  if (plan === UNKNOWN_MODULE) {
    checkTexts(given, [...context.path, 'with'], context);
    return;
  }
  const { inputs } = plan;
  const declared = inputs === undefined ? {} : isStandardSchema(inputs) && inputRecordOf(inputs);
  if (!declared) return; // Reported with the plan of the module.
  const { problems, path } = context;
  const names = Object.keys(declared);
  for (const [name, value] of Object.entries(given)) {
    const at = [...path, 'with', name];
    if (Object.hasOwn(declared, name)) {
      const isLiteral = !checkValue(value, declared[name] as PlanInput, at, context);
      if (isLiteral) checkLiteral(name, value, inputs as StandardSchema, at, problems);
    } else {
      const list =
        names.length === 0 ? ' The plan has no inputs.' : ` Its inputs are ${names.join(', ')}.`;
      const message = `the plan of the module has no input ${quote(name)}.${didYouMean(name, names) || list}`;
      add(problems, 'unknown_field', at, message);
    }
  }
  for (const [name, input] of Object.entries(declared)) {
    if (given[name] !== undefined) continue;
    const { optional = false, env, description } = input;
    const isNeeded = !optional && !('default' in input);
    if (!isNeeded && env === undefined) continue;
    const meaning = description === undefined ? '' : `: ${description}`;
    const remedy =
      env === undefined
        ? ''
        : `; only the inputs of a whole run come from the environment, so pass one of them, like "{{inputs.${name}}}"`;
    add(problems, 'missing_field', [...path, 'with', name], `is missing${remedy}${meaning}`);
  }
}

/** @returns Whether there is nothing more to check: the value has references, or is a secret. */
function checkValue(
  value: unknown,
  input: PlanInput,
  at: PlanPath,
  context: BindingContext,
): boolean {
  const { problems, isInput, isSecret, resolve } = context;
  const parts = typeof value === 'string' ? parseTemplate(value, isInput) : [];
  const [first] = parts;
  const isReference = parts.length === 1 && typeof first === 'object';
  if (input.secret) {
    if (isReference && isSecret(first)) return true;
    const message =
      'is a secret of the module, so its value must be a secret input alone, like "{{inputs.token}}"';
    add(problems, 'conflict', at, message);
    return true;
  }
  const fits = (shape: Shape, what: string) => {
    const kinds = shapeOf(schemaOf(input)).flatMap((part) => kindsOf(part) ?? ['anything']);
    if (kinds.includes('anything') || mayBe(shape, kinds)) return;
    const wanted = kindsText(shapeOf(schemaOf(input)));
    add(
      problems,
      'invalid_value',
      at,
      `${what} is ${kindsText(shape)}, and the input is ${wanted}`,
    );
  };
  if (isReference) {
    const shape = resolve(first, at);
    if (shape !== undefined) fits(shape, `{{${first.source}}}`);
    return true;
  }
  const before = problems.length;
  if (!checkTexts(value, at, context)) return false;
  if (problems.length === before) fits(shapeOf({ type: kindOf(value) }), 'the value');
  return true;
}

/** Checks the references in the texts of a value. @returns Whether there are any. */
function checkTexts(value: unknown, at: PlanPath, context: BindingContext): boolean {
  if (typeof value === 'string') {
    const references = parseTemplate(value, context.isInput).filter(
      (part) => typeof part === 'object',
    );
    for (const reference of references) context.resolve(reference, at);
    return references.length > 0 || value.includes('\\{{');
  }
  if (typeof value !== 'object' || value === null) return false;
  const found = Object.entries(value).map(([key, each]) => {
    return checkTexts(each, [...at, Array.isArray(value) ? Number(key) : key], context);
  });
  return found.includes(true);
}

/** What the schema of all inputs says about one of them. */
function checkLiteral(
  name: string,
  value: unknown,
  schema: StandardSchema,
  at: PlanPath,
  problems: Problems,
): void {
  const result = schema['~standard'].validate({ [name]: value });
  if (isThenable(result)) {
    Promise.resolve(result).catch(() => {});
    return;
  }
  const issues = (result.issues ?? []).flatMap((issue) => {
    const [first, ...path] = issue.path ?? [];
    return (typeof first === 'object' ? first.key : first) === name ? { ...issue, path } : [];
  });
  if (issues.length === 0) return;
  const message = `does not fit the input of the module: ${formatIssues(issues)}`;
  add(problems, 'invalid_value', at, message);
}

/** The JSON Schema of an input, without what is not about its values. */
function schemaOf(input: PlanInput): Record<string, unknown> {
  const { optional: _, env: __, secret: ___, default: ____, ...schema } = input;
  return schema;
}
