import type { RunContext, TaskOutput, TaskRequest } from '@stratagem/core';
import type { LanguageModel, ModelMessage } from 'ai';
import { toRunnerError } from './errors.js';
import { formatOf } from './format.js';
import { type AiSdkOptions, DEFAULT_MAX_STEPS, labelOf } from './options.js';
import { toolSetOf } from './tools.js';
import { Transcript } from './transcript.js';

/** Whom to ask, and how. */
export interface Asked {
  readonly model: LanguageModel;
  readonly options: AiSdkOptions;
}

/**
 * Asks the model, and lets the SDK run the tools that it calls, until it answers. An answer that
 * does not fit the task's schema is sent back once with what is wrong with it.
 *
 * @throws {RunnerError} when there is no answer.
 */
export async function converse(
  request: TaskRequest,
  context: RunContext,
  { model, options }: Asked,
  signal: AbortSignal,
): Promise<TaskOutput> {
  const { maxSteps = DEFAULT_MAX_STEPS, maxOutputTokens } = options;
  const transcript = new Transcript(context.emit);
  const label = labelOf(model);
  const question = await questionOf(request, { model, options });
  let messages: ModelMessage[] = [{ role: 'user', content: request.prompt }];
  for (let isCorrected = false; ; isCorrected = true) {
    let said: () => PromiseLike<ModelMessage[]>;
    try {
      const stepsLeft = maxSteps - transcript.steps;
      said = await exchange({ ...question, messages }, stepsLeft, transcript, signal);
    } catch (thrown) {
      throw await toRunnerError(thrown, { model, ...options }, transcript);
    }
    const details = transcript.details(label, maxOutputTokens);
    const output = transcript.text;
    const misfit = isCorrected ? undefined : await request.check?.(output);
    if (misfit === undefined || transcript.steps >= maxSteps) return { output, ...details };
    await transcript.tellLastStep();
    messages = [...messages, ...(await said()), { role: 'user', content: correctionOf(misfit) }];
  }
}

type Question = Awaited<ReturnType<typeof questionOf>>;

async function questionOf(request: TaskRequest, { model, options }: Asked) {
  const { instructions, temperature, maxOutputTokens, providerOptions } = options;
  const output = await formatOf(request, model);
  return {
    model,
    ...(instructions !== undefined && { instructions }),
    ...(temperature !== undefined && { temperature }),
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
    ...(providerOptions !== undefined && { providerOptions }),
    ...(output !== undefined && { output }),
    ...(request.tools !== undefined && { tools: await toolSetOf(request.tools) }),
  };
}

/**
 * Sends the messages and reads to the end of what comes back.
 *
 * @returns What to send along next, so that the model knows what it said.
 */
async function exchange(
  question: Question & { readonly messages: ModelMessage[] },
  maxSteps: number,
  transcript: Transcript,
  signal: AbortSignal,
): Promise<() => PromiseLike<ModelMessage[]>> {
  const { isStepCount, streamText } = await import('ai');
  const failure = new AbortController();
  try {
    const result = streamText({
      ...question,
      maxRetries: 0,
      stopWhen: isStepCount(maxSteps),
      abortSignal: AbortSignal.any([signal, failure.signal]),
      // The SDK would print it, with whatever is in it; here it comes with the stream as well.
      onError: () => {},
    });
    for await (const part of result.stream) {
      signal.throwIfAborted();
      await transcript.read(part);
    }
    return () => result.responseMessages;
  } catch (thrown) {
    // Nobody listens any more to the request and the tools that are still under way.
    failure.abort();
    throw thrown;
  }
}

function correctionOf(misfit: string): string {
  return (
    `That answer cannot be used: ${misfit}\n` +
    'Answer again in full, with JSON alone, nothing before or after it, that fits the schema.'
  );
}
