import type { TaskRequest, TaskRunner } from '@stratagem/core';
import { identitiesOf, shownHeaders, withoutDelivery } from '@stratagem/core/runner';
import { canonicalJson } from './plain-data.js';
import { sha256 } from './sha256.js';

/** Everything in a request that can affect the response, as plain data. */
export type RequestContent = ReturnType<typeof contentOf>;

/**
 * The parts of a request that can affect the response. The task id and the attempt number are left
 * out. Metadata is included, because `route` and custom runners may depend on it. Of the inputs, the
 * names are, and the values only for a runner that reads them: the prompt has those that it uses.
 */
export function contentOf(request: TaskRequest, readsInputs = false) {
  const { type, prompt, plainPrompt, description, inputs, outputSchema, tools, metadata } = request;
  const { attachments } = request;
  const asked = askedOf(request.options);
  return {
    ...{ type, prompt, plainPrompt, description, metadata },
    inputs: readsInputs ? inputs : Object.keys(inputs).sort(),
    ...(attachments !== undefined && { attachments: identitiesOf(attachments) }),
    ...(asked !== undefined && { options: asked }),
    ...(outputSchema !== undefined && { outputSchema }),
    ...(tools !== undefined && {
      tools: tools.map(({ name, description, inputSchema }) => ({
        ...{ name, description, inputSchema },
      })),
    }),
  };
}

/** The options that can change an answer. */
function askedOf(options: TaskRequest['options']): TaskRequest['options'] {
  const asked = withoutDelivery(options ?? {});
  return Object.keys(asked).length === 0 ? undefined : asked;
}

/** The same for a file: without the values of headers, which may be secrets. */
export function storableContentOf(request: TaskRequest, readsInputs = false): RequestContent {
  const content = contentOf(request, readsInputs);
  const { options } = content;
  if (options?.headers === undefined) return content;
  return { ...content, options: { ...options, headers: shownHeaders(options.headers) } };
}

/**
 * SHA-256 of everything that determines the response to a request, as 64 hexadecimal digits.
 *
 * @param runner The runner that gets the request; leave it out when the key must not depend on it.
 * @throws {TypeError} when the request has a value that JSON cannot represent; names its path.
 */
export function requestKey(
  content: RequestContent,
  runner?: Pick<TaskRunner, 'name' | 'resource' | 'settings'>,
): string {
  // A resource function depends only on the task, and so only on the content.
  const resource = typeof runner?.resource === 'string' ? runner.resource : undefined;
  const identity = runner && {
    name: runner.name,
    resource,
    settings: runner.settings && withoutDelivery(runner.settings),
  };
  const text = canonicalJson({ request: content, runner: identity });
  return sha256(text);
}
