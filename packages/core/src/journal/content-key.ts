import { identitiesOf } from '../contract/attached-bytes.js';
import { withoutDelivery } from '../contract/call-options.js';
import type { ValueCodec } from '../contract/codec.js';
import type { TaskRequest, TaskRunner } from '../contract/runner.js';
import type { SecretTexts } from '../contract/secret-texts.js';
import type { Tool } from '../contract/tool.js';
import { canonicalText } from '../serialize/canonical.js';
import { UnstorableError } from '../serialize/value.js';
import type { Step } from '../state/step.js';
import { sha256 } from '../util/sha256.js';

/** A promise where there is only WebCrypto; undefined where the content says nothing about the output. */
export type ContentKey = string | undefined | Promise<string | undefined>;

/** Increased when the same content is encoded differently. */
const VERSION = 2;

/**
 * A hash of everything that determines an output: the task with its rendered prompt, and the runner with
 * its resource (usually provider and model) and settings. Of the inputs, it has the names alone, unless
 * the runner reads their values: what the prompt does not show cannot change the answer. Undefined when
 * that is unknown: for a task with tools, whose code may do anything, and for inputs or settings that
 * are not plain data.
 *
 * A runner without `settings` is identified by its name and resource alone.
 *
 * @param anyPosition See `ReuseOptions.anyPosition`.
 */
export function contentKeyOf(
  request: TaskRequest,
  runner: TaskRunner,
  resource: string,
  codecs?: readonly ValueCodec[],
  anyPosition = false,
): ContentKey {
  const { tools, check: _, inputs, options, attachments, ...others } = request;
  if (tools !== undefined) return undefined;
  const taskId = anyPosition ? withoutPositions(request.taskId) : request.taskId;
  const rest = {
    ...others,
    taskId,
    ...(attachments && { attachments: identitiesOf(attachments) }),
  };
  const { name, settings, readsInputs = false } = runner;
  const asked = options && withoutDelivery(options);
  const hasOptions = asked !== undefined && Object.keys(asked).length > 0;
  const shown = hasOptions ? { ...rest, options: asked } : rest;
  const content = { ...shown, inputs: readsInputs ? inputs : Object.keys(inputs).sort() };
  const answering = settings === undefined ? {} : withoutDelivery(settings);
  return keyOf({ version: VERSION, content, name, resource, settings: answering }, codecs);
}

/** The id of a task without the places of items in their lists: `read[3].sum` becomes `read[].sum`. */
function withoutPositions(taskId: string): string {
  return taskId.replace(/\[\d+\]/g, '[]');
}

/**
 * A hash of a tool and its arguments, with the marks of secrets in the place of their texts. Undefined for
 * a command, whose effects nobody knows, for a tool that says so, and for arguments that are not plain data.
 * Each iteration of a loop has a key of its own: a loop that asks until something is done repeats its call.
 */
export function stepKeyOf(
  step: Step,
  tool: Tool | undefined,
  { iterations, codecs, secretTexts }: StepKeyOptions,
): ContentKey {
  if (step.kind === 'command' || tool === undefined || !isReusable(tool, step.args)) {
    return undefined;
  }
  const args = secretTexts?.value(step.args) ?? step.args;
  const called = { version: VERSION, tool: tool.name, args };
  return keyOf(iterations.length === 0 ? called : { ...called, iterations }, codecs);
}

interface StepKeyOptions {
  /** The iterations of loops that the task belongs to. */
  readonly iterations: readonly string[];
  readonly codecs?: readonly ValueCodec[] | undefined;
  readonly secretTexts?: SecretTexts | undefined;
}

/** A function that fails on these arguments leaves that to the call itself. */
function isReusable({ reusable = true }: Tool, args: unknown): boolean {
  if (typeof reusable === 'boolean') return reusable;
  try {
    return reusable(args) === true;
  } catch {
    return false;
  }
}

function keyOf(content: unknown, codecs: readonly ValueCodec[] | undefined): ContentKey {
  try {
    return sha256(canonicalText(content, codecs));
  } catch (error) {
    if (error instanceof UnstorableError) return undefined;
    throw error;
  }
}
