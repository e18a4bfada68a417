import { InputsError, isStratagemError, PlanError } from '@stratagem/core';
import { UsageError } from './usage-error.js';

/** The problem of a budget in US dollars, of the run or of a resource. */
const PRICE_LACKS = /^budget\.(?:resources\[.*\]\.)?costUsd: the prices? of /;

/** Turns any error of the library into a usage error, with a hint at the flag that fixes it. */
export function toUsageError(error: unknown): unknown {
  if (!isStratagemError(error)) return error;
  const problems = error instanceof PlanError ? error.problems : [];
  const lacksTools = problems.some(({ code }) => code === 'unknown_tool');
  const hasCommands = problems.some(({ code }) => code === 'not_allowed');
  const isOutside = problems.some(({ message }) => message.includes('attachments.allowRead'));
  const lacksPrice = error.code === 'invalid_option' && PRICE_LACKS.test(error.message);
  const hints = [
    lacksTools && 'Use --mcp-config to give tasks the tools of MCP servers.',
    hasCommands && 'Use --allow-commands to run the commands of the plan, if you trust it.',
    isOutside && 'Use --allow-read DIR to let tasks attach files of that folder.',
    lacksPrice && 'Use --prices FILE to give the price of the model, or --budget-tokens.',
    error instanceof InputsError && 'Use --input NAME=VALUE or --inputs FILE to give values.',
  ];
  const hint = hints.flatMap((each) => (each ? `\n${each}` : [])).join('');
  return new UsageError(error.message + hint, { cause: error });
}

/** Turns an option that the library refuses into a usage error; other errors stay as they are. */
export function optionErrorToUsageError(error: unknown): unknown {
  return isStratagemError(error) && error.code === 'invalid_option' ? toUsageError(error) : error;
}
