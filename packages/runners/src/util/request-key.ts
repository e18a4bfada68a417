import { createHash } from 'node:crypto';
import type { TaskRequest, TaskRunner } from '@stratagem/core';
import { canonicalJson } from './plain-data.js';

/** All of a request that an answer can depend on, as data. */
export type RequestContent = ReturnType<typeof contentOf>;

/**
 * What a runner may look at: whichever task asks, and at which attempt, is no part of it.
 * Metadata and inputs are, as runners of one's own go by them, and `route` does.
 */
export function contentOf(request: TaskRequest) {
  const { type, prompt, plainPrompt, description, inputs, outputSchema, tools, metadata } = request;
  return {
    ...{ type, prompt, plainPrompt, description, inputs, metadata },
    ...(outputSchema !== undefined && { outputSchema }),
    ...(tools !== undefined && {
      tools: tools.map(({ name, description, inputSchema }) => ({
        ...{ name, description, inputSchema },
      })),
    }),
  };
}

/**
 * SHA-256 of everything that decides on the answer to a request, as 64 hexadecimal digits.
 *
 * @param runner Who is asked; left out where that makes no difference.
 * @throws {TypeError} when the request holds what JSON cannot, with the place.
 */
export function keyOf(
  content: RequestContent,
  runner?: Pick<TaskRunner, 'name' | 'resource' | 'settings'>,
): string {
  // One that depends on the task goes by what is in the request as well.
  const resource = typeof runner?.resource === 'string' ? runner.resource : undefined;
  const asked = runner && { name: runner.name, resource, settings: runner.settings };
  const text = canonicalJson({ request: content, runner: asked });
  return createHash('sha256').update(text).digest('hex');
}
