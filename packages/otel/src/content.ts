import type { ModelCallInput, ModelCallResult } from '@stratagem/core/runner';

/** What may be recorded of prompts, answers and tools, in the form of the conventions. */
export class Content {
  readonly #change: (text: string) => string;
  readonly #hide: (<Value>(value: Value) => Value) | undefined;

  /**
   * @param change What the user wants to be done with each text.
   * @param hide Takes out the values of secret inputs.
   */
  constructor(
    change: (text: string) => string,
    hide: (<Value>(value: Value) => Value) | undefined,
  ) {
    this.#change = change;
    this.#hide = hide;
  }

  text(text: string): string {
    return this.#change(this.#hide?.(text) ?? text);
  }

  /** A value as JSON. */
  json(value: unknown): string {
    let text: string | undefined;
    try {
      text = typeof value === 'string' ? value : JSON.stringify(value);
    } catch {
      // Such as a circular object, or a bigint.
    }
    return this.text(text ?? String(value));
  }

  inputMessages(input: ModelCallInput): readonly Message[] {
    if (input.kind !== 'tool_results') return [this.prompt(input.text)];
    const parts = input.results.map(({ callId, result }) => ({
      ...{ type: 'tool_call_response', id: callId, response: this.text(result.text) },
    }));
    return [{ role: 'tool', parts }];
  }

  prompt(text: string): Message {
    return { role: 'user', parts: [{ type: 'text', content: this.text(text) }] };
  }

  outputMessages({ text, toolCalls = [] }: ModelCallResult): readonly Message[] {
    const calls = toolCalls.map(({ callId, tool, input }) => ({
      ...{ type: 'tool_call', id: callId, name: tool, arguments: this.json(input) },
    }));
    const texts = text === '' ? [] : [{ type: 'text', content: this.text(text) }];
    const reason = finishReason(toolCalls.length);
    return [{ role: 'assistant', parts: [...texts, ...calls], finish_reason: reason }];
  }
}

export interface Message {
  readonly role: 'user' | 'assistant' | 'tool';
  readonly parts: readonly Readonly<Record<string, unknown>>[];
  readonly finish_reason?: string;
}

/** A truncated or refused answer is an error, and has no reason. */
export function finishReason(toolCalls: number): string {
  return toolCalls > 0 ? 'tool_call' : 'stop';
}
