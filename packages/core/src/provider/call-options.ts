import {
  type CallOptions,
  optionProblem,
  type Reasoning,
  TASK_OPTIONS,
  type TaskOptions,
  type ToolChoice,
} from '../contract/call-options.js';
import { OptionError, RunnerError } from '../contract/errors.js';
import type { RunContext } from '../contract/run-context.js';
import type { RequestTool } from '../contract/tool.js';
import { isRecord } from '../util/record.js';

/** The options whose values a message may show. */
const SHOWN: readonly string[] = ['temperature', 'topP', 'seed', 'maxOutputTokens'];

/** @throws {OptionError} when an option of a runner for its requests is out of range. */
export function checkCallOptions(owner: string, options: CallOptions): void {
  for (const name of TASK_OPTIONS) {
    const value = (options as TaskOptions)[name];
    const problem = value === undefined ? undefined : optionProblem(name, value);
    if (problem === undefined) continue;
    const shown = SHOWN.includes(name) ? `; it is ${String(value)}` : '';
    throw new OptionError(`${owner}: ${name} ${problem}${shown}`);
  }
}

/**
 * @param provider The name under which a runner looks for its provider options.
 * @throws {OptionError} when there are options of another provider, which would have no effect.
 */
export function checkProvider(
  owner: string,
  provider: string,
  options: CallOptions['providerOptions'] = {},
): void {
  const other = Object.keys(options).find((name) => name !== provider);
  if (other === undefined) return;
  const message = `providerOptions.${other} has no effect; the options here are those of ${provider}`;
  throw new OptionError(`${owner}: ${message}`);
}

/**
 * The options of a runner with those of a task over them. Headers and the fields of `providerOptions`
 * are merged one by one.
 */
export function mergeCallOptions<Options extends CallOptions>(
  own: Options,
  task: TaskOptions | undefined,
): Options {
  if (task === undefined) return own;
  const { headers, providerOptions } = own;
  return {
    ...own,
    ...task,
    ...(headers && task.headers && { headers: mergeHeaders(headers, task.headers) }),
    ...(providerOptions &&
      task.providerOptions && {
        providerOptions: mergeFields(providerOptions, task.providerOptions),
      }),
  };
}

/** The names of headers do not depend on the case. */
function mergeHeaders(
  own: Readonly<Record<string, string>>,
  others: Readonly<Record<string, string>>,
): Record<string, string> {
  const names = new Set(Object.keys(others).map((name) => name.toLowerCase()));
  const left = Object.entries(own).filter(([name]) => !names.has(name.toLowerCase()));
  return { ...Object.fromEntries(left), ...others };
}

/** Objects are merged field by field; of anything else, the value of `others` counts. */
function mergeFields<T extends object>(own: T, others: object): T {
  const merged = { ...own } as Record<string, unknown>;
  for (const [name, value] of Object.entries(others)) {
    const before = Object.hasOwn(own, name) ? merged[name] : undefined;
    Object.defineProperty(merged, name, {
      value: isRecord(before) && isRecord(value) ? mergeFields(before, value) : value,
      ...{ enumerable: true, configurable: true, writable: true },
    });
  }
  return merged as T;
}

/** Fields of a request that the runner itself is responsible for. */
const OWN_FIELDS: readonly string[] = ['model', 'messages', 'input', 'stream'];

/** Lists that are joined. */
const JOINED_FIELDS: readonly string[] = ['tools', 'include'];

/**
 * The body of a request with the fields of `providerOptions`. `tools` and `include` are added to those of
 * the runner; other lists are replaced.
 *
 * @throws {RunnerError} `invalid_request` for a field that the runner itself is responsible for.
 */
export function withProviderOptions<Body extends object>(
  body: Body,
  provider: string,
  { providerOptions }: CallOptions,
): Body {
  const fields = providerOptions?.[provider];
  if (fields === undefined) return body;
  const taken = OWN_FIELDS.find((name) => Object.hasOwn(fields, name));
  if (taken !== undefined) {
    const message = `providerOptions.${provider}.${taken} cannot be set: the runner sets it`;
    throw new RunnerError('invalid_request', message);
  }
  const own = body as Readonly<Record<string, unknown>>;
  const joined = JOINED_FIELDS.flatMap((name) => {
    const [before, added] = [own[name], fields[name]];
    return Array.isArray(before) && Array.isArray(added) ? [[name, [...before, ...added]]] : [];
  });
  return mergeFields(body, { ...fields, ...Object.fromEntries(joined) });
}

/**
 * The choice of a tool for a request: a forced call is the first request of an attempt alone.
 *
 * @throws {RunnerError} `invalid_request` when the task does not have the tool.
 */
export function toolChoiceFor(
  { toolChoice }: CallOptions,
  tools: readonly Pick<RequestTool, 'name'>[],
  isFirst: boolean,
): ToolChoice | undefined {
  if (toolChoice === undefined || tools.length === 0) return undefined;
  const isForced = toolChoice === 'required' || typeof toolChoice === 'object';
  if (isForced && !isFirst) return undefined;
  if (typeof toolChoice === 'object' && !tools.some(({ name }) => name === toolChoice.toolName)) {
    const message = `toolChoice: the task has no tool "${toolChoice.toolName}"`;
    throw new RunnerError('invalid_request', message);
  }
  return toolChoice;
}

/** Whether the answer to a request is streamed. */
export function streamsIn(
  { stream = 'auto' }: CallOptions,
  { wantsText = true }: Pick<RunContext, 'wantsText'>,
): boolean {
  return stream === 'auto' ? wantsText : stream;
}

/** The reasoning that is asked for, as an object. */
export function reasoningOf({ reasoning }: CallOptions): Reasoning {
  return typeof reasoning === 'string' ? { effort: reasoning } : (reasoning ?? {});
}
