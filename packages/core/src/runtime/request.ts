import type { RequestWork } from '../contract/carrier.js';
import type { ValueCodec } from '../contract/codec.js';
import type { TaskRequest } from '../contract/runner.js';
import type { Task } from '../contract/task.js';
import { toData } from '../serialize/value.js';

/** A request as data, for a carrier. */
export function requestWorkOf(
  request: TaskRequest,
  { tools = [] }: Task,
  codecs: readonly ValueCodec[],
): RequestWork {
  const { check: _, tools: __, ...content } = request;
  const names = tools.map((tool) => (typeof tool === 'string' ? tool : tool.name));
  return { kind: 'request', request: toData(content, codecs), tools: names };
}
