import type { AttemptReport } from '../contract/carrier.js';
import type { ValueCodec } from '../contract/codec.js';
import type { Json } from '../contract/journal.js';
import { PlanError, type PlanProblem } from '../contract/plan-error.js';
import type { Task } from '../contract/task.js';
import { tasksFromData } from './decode-plan.js';
import { type TaskData, tasksToData } from './plan.js';
import { fromData, toData, toDataLoosely } from './value.js';

/**
 * A value as plain JSON, from which {@link decodeValue} makes an equal one. Beyond JSON it keeps
 * undefined, NaN, the infinities, -0, bigint, dates, bytes, typed arrays, maps, sets, errors and
 * instances with a codec.
 *
 * @throws {TypeError} for functions, symbols, instances of other classes and cyclic values; the
 * message names the place.
 *
 * @example
 * socket.send(JSON.stringify(encodeValue(new Map([['a', 1]]))));
 */
export function encodeValue(value: unknown, codecs?: readonly ValueCodec[]): Json {
  return toData(value, codecs);
}

export function decodeValue(data: Json, codecs: readonly ValueCodec[] = []): unknown {
  return fromData(data, codecs);
}

/**
 * A report about an attempt as plain JSON, for a carrier whose attempts run elsewhere. Of an error it
 * keeps name, code, message and details such as `retryAfterMs` and `usage`.
 *
 * @throws {TypeError} when an output cannot be encoded.
 * @throws {PlanError} when added tasks have functions or schemas, which no wire can carry.
 */
export function encodeReport(report: AttemptReport, codecs?: readonly ValueCodec[]): Json {
  switch (report.type) {
    case 'add_tasks':
      return { type: 'add_tasks', tasks: encodeTasks(report.tasks) };
    case 'completed':
      return { type: 'completed', result: toData(withoutUndefined(report.result), codecs) };
    case 'failed':
      return { type: 'failed', error: toDataLoosely(report.error) };
    case 'output':
      return { type: 'output', part: toDataLoosely(report.part, codecs) };
    case 'approval':
      return { type: 'approval', request: toDataLoosely(report.request, codecs) };
    case 'begun':
      return { type: 'begun' };
  }
}

/** The report that was encoded as this. */
export function decodeReport(data: Json, codecs: readonly ValueCodec[] = []): AttemptReport {
  const report = data as { readonly type: string; readonly tasks?: Json };
  if (report.type === 'add_tasks') {
    return { type: 'add_tasks', tasks: tasksFromData(report.tasks as unknown as TaskData[]) };
  }
  return fromData(data, codecs) as AttemptReport;
}

function encodeTasks(tasks: readonly Task[]): Json {
  const problems: PlanProblem[] = [];
  const data = tasksToData(tasks, problems);
  if (problems.length > 0) throw new PlanError(problems);
  return data as unknown as Json;
}

function withoutUndefined(result: object): object {
  return Object.fromEntries(Object.entries(result).filter(([, value]) => value !== undefined));
}
