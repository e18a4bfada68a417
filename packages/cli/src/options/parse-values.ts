import { InvalidArgumentError } from 'commander';
import { parseDuration } from './parse-duration.js';

const MAX_LATENCY_MS = 86_400_000;

export function wholeNumber(text: string): number {
  return wholeNumberFrom(1)(text);
}

export function wholeNumberFrom(least: number): (text: string) => number {
  return (text) => {
    if (/^\d{1,15}$/.test(text) && Number(text) >= least) return Number(text);
    throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
  };
}

/** How deep subtasks may nest. */
export function depth(text: string): number {
  return wholeNumberUpTo(8, 1)(text);
}

/** How often an answer may be sent back. */
export function repairs(text: string): number {
  return wholeNumberUpTo(10, 0)(text);
}

function wholeNumberUpTo(most: number, least: number): (text: string) => number {
  return (text) => {
    if (/^\d{1,15}$/.test(text) && Number(text) >= least && Number(text) <= most) {
      return Number(text);
    }
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

/** `4,8,16` */
export function wholeNumbers(text: string): number[] {
  return [...new Set(text.split(',').map((each) => wholeNumber(each.trim())))];
}

export function dollars(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError('It must be a number of US dollars above 0.');
}

/** Collects an option that may be given more than once. */
export function list(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

interface GivenAnswer {
  readonly id: string;
  readonly value: string;
}

export function answers(text: string, before: readonly GivenAnswer[] = []): GivenAnswer[] {
  const [id = '', ...rest] = text.split('=');
  if (id !== '' && rest.length > 0) return [...before, { id, value: rest.join('=') }];
  throw new InvalidArgumentError('It must be the id of a task, =, and the answer.');
}

export function notEmpty(text: string): string {
  if (text.trim() !== '') return text;
  throw new InvalidArgumentError('It is empty.');
}

export function httpUrl(text: string): string {
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return text;
  throw new InvalidArgumentError('It must be a URL that begins with http:// or https://.');
}

export function milliseconds(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text) && Number(text) <= MAX_LATENCY_MS) return Number(text);
  throw new InvalidArgumentError('It must be a number of milliseconds, at most those of a day.');
}

export function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0 && Number.isFinite(ms)) return ms;
  throw new InvalidArgumentError('It must be a duration such as 500ms, 30s, 5m or 1h.');
}
