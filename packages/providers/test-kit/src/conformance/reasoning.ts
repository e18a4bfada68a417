import { createExecutor, createPlan, type RunEvent } from '@stratagem/core';
import { describe, expect, test } from 'vitest';
import { inOrder } from '../attempt.js';
import { testServer } from '../server.js';
import type { ProviderSubject } from './subject.js';

/** Reasoning is reported as parts of its own kind, and never as output. */
export function reasoningConformance(subject: ProviderSubject): void {
  const server = testServer(subject.basePath);

  describe.each(subject.apis)('reasoning, through $name', ({ options, reasoning }) => {
    test('has events of its own kind, and is no output', async () => {
      server.replyWith(reasoning);
      const events: RunEvent[] = [];
      const plan = createPlan('Think').addTask({ id: 'a', description: 'Is it?' });
      const { outputs } = await createExecutor({
        strategy: inOrder,
        runner: subject.create(server.url, options),
        onEvent: (event) => void events.push(event),
      })
        .execute(plan)
        .orThrow();
      expect(outputs.a).toBe('Yes.');
      const textOf = (kind: 'text' | 'reasoning') =>
        events
          .map((event) => (event.type === 'task_output' && event.kind === kind ? event.text : ''))
          .join('');
      expect(textOf('reasoning')).toBe('Let me think.');
      expect(textOf('text')).toBe('Yes.');
    });
  });
}
