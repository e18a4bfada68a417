import type { Attributes, HrTime } from '@opentelemetry/api';
import type { Usage } from '@stratagem/core';

/** Names of the GenAI semantic conventions, and our own where they have none. */
export const ATTRIBUTE = {
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  agentName: 'gen_ai.agent.name',
  workflowName: 'gen_ai.workflow.name',
  requestModel: 'gen_ai.request.model',
  responseModel: 'gen_ai.response.model',
  finishReasons: 'gen_ai.response.finish_reasons',
  outputType: 'gen_ai.output.type',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  cacheReadTokens: 'gen_ai.usage.cache_read.input_tokens',
  cacheWriteTokens: 'gen_ai.usage.cache_write.input_tokens',
  reasoningTokens: 'gen_ai.usage.reasoning.output_tokens',
  tokenType: 'gen_ai.token.type',
  toolName: 'gen_ai.tool.name',
  toolCallId: 'gen_ai.tool.call.id',
  toolType: 'gen_ai.tool.type',
  toolArguments: 'gen_ai.tool.call.arguments',
  toolResult: 'gen_ai.tool.call.result',
  inputMessages: 'gen_ai.input.messages',
  outputMessages: 'gen_ai.output.messages',
  errorType: 'error.type',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  runId: 'stratagem.run.id',
  strategy: 'stratagem.strategy',
  status: 'stratagem.status',
  taskId: 'stratagem.task.id',
  taskLevel: 'stratagem.task.level',
  attempt: 'stratagem.attempt',
  resource: 'stratagem.resource',
  waitMs: 'stratagem.task.wait_ms',
  retryDelayMs: 'stratagem.retry.delay_ms',
  costUsd: 'stratagem.cost_usd',
  requestId: 'stratagem.provider.request_id',
  step: 'stratagem.step',
  reason: 'stratagem.reason',
  cached: 'stratagem.cached',
  reusedFrom: 'stratagem.reused_from_run',
  goal: 'stratagem.plan.goal',
} as const;

export function usageAttributes(usage: Usage | undefined): Attributes {
  if (usage === undefined) return {};
  const { inputTokens, outputTokens } = usage;
  const { cachedInputTokens, cacheWriteInputTokens, reasoningTokens } = usage;
  return {
    [ATTRIBUTE.inputTokens]: inputTokens,
    [ATTRIBUTE.outputTokens]: outputTokens,
    ...(cachedInputTokens !== undefined && { [ATTRIBUTE.cacheReadTokens]: cachedInputTokens }),
    ...(cacheWriteInputTokens !== undefined && {
      [ATTRIBUTE.cacheWriteTokens]: cacheWriteInputTokens,
    }),
    ...(reasoningTokens !== undefined && { [ATTRIBUTE.reasoningTokens]: reasoningTokens }),
  };
}

/** The name of a task without the numbers of items and iterations, so that few names occur. */
export function familyOf(taskId: string): string {
  return taskId.replace(/\[\d+\]|#\d+/g, '');
}

/** Unix time in milliseconds, in a form that no SDK takes for another clock. */
export function timeOf(unixMs: number): HrTime {
  const seconds = Math.floor(unixMs / 1_000);
  return [seconds, Math.round((unixMs - seconds * 1_000) * 1_000_000)];
}

let origin = performance.timeOrigin;

/** The time of day with fractions, by the same rule as the events of a run: it follows a set clock. */
export function now(): HrTime {
  const difference = Date.now() - (origin + performance.now());
  // `Date.now()` cuts off fractions: it is behind by less than a millisecond.
  if (difference > 0 || difference <= -1) origin += difference;
  return timeOf(origin + performance.now());
}

export function secondsBetween(from: HrTime, to: HrTime): number {
  return to[0] - from[0] + (to[1] - from[1]) / 1e9;
}
