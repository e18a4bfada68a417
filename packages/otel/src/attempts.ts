import { type Context, type Span, trace } from '@opentelemetry/api';
import type { AttemptName } from '@stratagem/core/runner';

/** An attempt whose work is done in this process. */
export interface OpenAttempt {
  readonly context: Context;
  /** Its span, where this process has the run. */
  readonly span: Span | undefined;
  /** Requests to models that its runner has reported. */
  modelCalls: number;
}

/** The attempts in flight of all runs, by their names. */
export class OpenAttempts {
  readonly #open = new Map<string, OpenAttempt>();

  begin(name: Name, context: Context, span?: Span): OpenAttempt {
    const attempt = { context, span, modelCalls: 0 };
    this.#open.set(keyOf(name), attempt);
    return attempt;
  }

  find(name: Name): OpenAttempt | undefined {
    return this.#open.get(keyOf(name));
  }

  end(name: Name): void {
    this.#open.delete(keyOf(name));
  }

  get size(): number {
    return this.#open.size;
  }
}

type Name = Pick<AttemptName, 'runId' | 'taskId' | 'attempt'>;

function keyOf({ runId, taskId, attempt }: Name): string {
  return `${runId}/${attempt}/${taskId}`;
}

/** The active context, if it has a span: a function may have opened one of its own. */
export function parentOf(active: Context, attempt: OpenAttempt | undefined): Context {
  return attempt === undefined || trace.getSpan(active) !== undefined ? active : attempt.context;
}
