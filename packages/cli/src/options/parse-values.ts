import { InvalidArgumentError } from 'commander';
import { isRunnerName, RUNNERS, STRATEGIES, type StrategyName } from './choices.js';
import { parseDuration } from './parse-duration.js';
import type { InputFlag, PresetAnswer } from './run-flags.js';
import type { Amounts } from './to-budget.js';

const DAY_MS = 86_400_000;

export function integerFrom(min: number): (text: string) => number {
  return (text) => {
    if (isDigits(text) && Number(text) >= min) return Number(text);
    throw new InvalidArgumentError(`Expected an integer ≥ ${min}.`);
  };
}

export function integerBetween(min: number, max: number): (text: string) => number {
  return (text) => {
    if (isDigits(text) && Number(text) >= min && Number(text) <= max) return Number(text);
    throw new InvalidArgumentError(`Expected an integer from ${min} to ${max}.`);
  };
}

export const positiveInteger = integerFrom(1);

/** `4,8,16` */
export function positiveIntegers(text: string): number[] {
  return [...new Set(text.split(',').map((each) => positiveInteger(each.trim())))];
}

export function dollars(text: string): number {
  if (isDecimal(text) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError('Expected an amount in US dollars above 0.');
}

/** Collects the `AMOUNT` and the `RESOURCE=AMOUNT` of an option that may be repeated. */
export function amounts(
  parse: (text: string) => number,
): (text: string, previous?: Amounts) => Amounts {
  return (text, previous = {}) => {
    // The name of a resource may have a =, too.
    const end = text.lastIndexOf('=');
    const amount = parse(text.slice(end + 1));
    if (end < 0) return { ...previous, whole: amount };
    const name = text.slice(0, end);
    if (name !== '') return { ...previous, resources: { ...previous.resources, [name]: amount } };
    throw new InvalidArgumentError('Expected the name of a resource before the =.');
  };
}

/** Collects the values of an option that may be repeated. */
export function list(text: string, previous: readonly string[] = []): string[] {
  return [...previous, text];
}

/** Collects the `ID=VALUE` pairs of an option that may be repeated. */
export function answers(text: string, previous: readonly PresetAnswer[] = []): PresetAnswer[] {
  const [id = '', ...rest] = text.split('=');
  if (id !== '' && rest.length > 0) return [...previous, { id, value: rest.join('=') }];
  throw new InvalidArgumentError('Expected a task id and an answer, such as review=yes.');
}

/** Collects the `NAME=VALUE` pairs of an option that may be repeated. */
export function namedValues(text: string, previous: readonly InputFlag[] = []): InputFlag[] {
  const [name = '', ...rest] = text.split('=');
  if (name !== '' && rest.length > 0) return [...previous, { name, value: rest.join('=') }];
  throw new InvalidArgumentError('Expected a name and a value, such as company=Apple.');
}

/** Collects the caps of resources, as `RESOURCE=N`. */
export function caps(
  text: string,
  previous: Readonly<Record<string, { readonly maxParallel: number }>> = {},
): Readonly<Record<string, { readonly maxParallel: number }>> {
  const [, resource = '', count = ''] = /^(.+)=(\d+)$/.exec(text) ?? [];
  const maxParallel = Number(count);
  if (maxParallel >= 1) return { ...previous, [resource]: { maxParallel } };
  throw new InvalidArgumentError('Expected a resource and a number, such as openai/gpt-5=8.');
}

export function nonEmpty(text: string): string {
  if (text.trim() !== '') return text;
  throw new InvalidArgumentError('Expected a value that is not empty.');
}

/** The name of a provider, or the path of a module. */
export function runnerOrModule(text: string): string {
  if (isRunnerName(text) || /[\\/]|\.[cm]?[jt]s$/.test(text)) return text;
  throw new InvalidArgumentError(
    `Allowed choices are ${RUNNERS.join(', ')}, and modules such as ./my-runner.js.`,
  );
}

export function strategyName(text: string): StrategyName {
  const name = STRATEGIES.find((each) => each === text);
  if (name !== undefined) return name;
  throw new InvalidArgumentError(`Allowed choices are ${STRATEGIES.join(', ')}.`);
}

export function httpUrl(text: string): string {
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return text;
  throw new InvalidArgumentError('Expected a URL that starts with http:// or https://.');
}

/** `localhost:8080,10.0.0.5` */
export function hosts(text: string, previous: readonly string[] = []): string[] {
  const given = text.split(',').map((host) => host.trim());
  const isHost = (host: string) => /^[^/?#@\s]+$/.test(host) && URL.canParse(`http://${host}`);
  if (given.every(isHost)) return [...previous, ...given];
  throw new InvalidArgumentError('Expected hosts such as localhost:8080 or 10.0.0.5.');
}

export function milliseconds(text: string): number {
  if (isDecimal(text) && Number(text) <= DAY_MS) return Number(text);
  throw new InvalidArgumentError(`Expected milliseconds from 0 to ${DAY_MS} (one day).`);
}

export function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0 && Number.isFinite(ms)) return ms;
  throw new InvalidArgumentError('Expected a duration such as 500ms, 30s, 5m or 1h.');
}

function isDigits(text: string): boolean {
  return /^\d{1,15}$/.test(text);
}

function isDecimal(text: string): boolean {
  return /^\d+(\.\d+)?$/.test(text);
}

/** A share of a whole, from 0 to 1. */
export function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError('Expected a number from 0 to 1, such as 0.9.');
}
