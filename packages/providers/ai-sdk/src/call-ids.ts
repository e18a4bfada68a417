import type { LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { CallIds } from '@stratagem/core/runner';
import type { LanguageModel } from 'ai';

/**
 * A model whose tool calls have ids that are unique within a conversation, and that makes each call
 * once. Some servers begin with the same ids in each answer, or send a call twice. A model at the
 * gateway is left as it is.
 */
export async function withCallIds(model: LanguageModel): Promise<LanguageModel> {
  if (typeof model === 'string') return model;
  const { wrapLanguageModel } = await import('ai');
  const ids = new CallIds();
  return wrapLanguageModel({
    model,
    middleware: {
      async wrapStream({ doStream }) {
        const { stream, ...response } = await doStream();
        const renaming = new Renaming(ids);
        const transform = (
          part: LanguageModelV4StreamPart,
          controller: TransformStreamDefaultController<LanguageModelV4StreamPart>,
        ) => {
          const renamed = renaming.apply(part);
          if (renamed !== undefined) controller.enqueue(renamed);
        };
        return { ...response, stream: stream.pipeThrough(new TransformStream({ transform })) };
      },
    },
  });
}

/** The ids of one answer. */
class Renaming {
  readonly #ids: CallIds;
  /** The new id of the latest call with an id of the server. */
  readonly #renamed = new Map<string, string>();
  /** Calls whose input has begun to arrive. */
  readonly #begun = new Set<string>();
  readonly #seen = new Set<string>();

  constructor(ids: CallIds) {
    this.#ids = ids;
  }

  /** Undefined for a call that has been made already. */
  apply(part: LanguageModelV4StreamPart): LanguageModelV4StreamPart | undefined {
    switch (part.type) {
      case 'tool-input-start':
        this.#begun.add(part.id);
        return { ...part, id: this.#take(part.id) };
      case 'tool-input-delta':
      case 'tool-input-end':
        return { ...part, id: this.#renamed.get(part.id) ?? part.id };
      case 'tool-call': {
        const { toolCallId, toolName, input } = part;
        const key = JSON.stringify([toolCallId, toolName, input]);
        if (this.#seen.has(key)) return undefined;
        this.#seen.add(key);
        const isBegun = this.#begun.delete(toolCallId);
        const known = isBegun ? this.#renamed.get(toolCallId) : undefined;
        return { ...part, toolCallId: known ?? this.#take(toolCallId) };
      }
      case 'tool-result':
      case 'tool-approval-request':
        return { ...part, toolCallId: this.#renamed.get(part.toolCallId) ?? part.toolCallId };
      default:
        return part;
    }
  }

  #take(given: string): string {
    const id = this.#ids.take(given);
    this.#renamed.set(given, id);
    return id;
  }
}
