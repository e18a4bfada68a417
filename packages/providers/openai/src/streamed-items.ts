import { ToolInputText } from '@stratagem/core/runner';
import type { Response, ResponseStreamEvent } from 'openai/resources/responses/responses';

type Output = Response['output'];
type Event<Type extends string> = Extract<ResponseStreamEvent, { readonly type: Type }>;

interface Streamed {
  readonly index: unknown;
  item: Output[number];
  /** The arguments of a call, while their pieces arrive. */
  input?: ToolInputText | undefined;
}

/**
 * The items of an answer as they are streamed. Servers name an item by its index, by its id or by both;
 * some give several items one index.
 */
export class StreamedItems {
  readonly #items: Streamed[] = [];

  /** Those of the answer, in the order of their indexes. */
  get output(): Output {
    const indexOf = ({ index }: Streamed) => Number(index ?? 0) || 0;
    return this.#items.toSorted((a, b) => indexOf(a) - indexOf(b)).map(({ item }) => item);
  }

  set({ output_index: index, item }: Event<`response.output_item.${'added' | 'done'}`>): void {
    if (item == null) return;
    const known = this.#at(index, item.id);
    if (known === undefined) {
      this.#items.push({ index, item });
      return;
    }
    known.item = withArguments(item, known.item);
    known.input = undefined;
  }

  addArguments(event: Event<'response.function_call_arguments.delta'>): void {
    const call = this.#callOf(event);
    if (call === undefined) return;
    const { streamed, item } = call;
    if (streamed.input === undefined) {
      streamed.input = new ToolInputText();
      if (typeof item.arguments === 'string') streamed.input.add(item.arguments);
    }
    streamed.input.add(String(event.delta ?? ''));
    item.arguments = streamed.input.json;
  }

  setArguments(event: Event<'response.function_call_arguments.done'>): void {
    const call = this.#callOf(event);
    if (call === undefined) return;
    call.item.arguments = event.arguments || call.item.arguments;
    call.streamed.input = undefined;
  }

  #callOf({
    output_index,
    item_id,
  }: {
    readonly output_index: unknown;
    readonly item_id: unknown;
  }) {
    const streamed = this.#at(output_index, item_id);
    const item = streamed?.item;
    return item?.type === 'function_call' ? { streamed: streamed as Streamed, item } : undefined;
  }

  /** The latest item with this id, or else with this index: a server may leave out either. */
  #at(index: unknown, id: unknown): Streamed | undefined {
    const last = this.#items.findLast((each) => each.index === index);
    if (!id || last?.item.id === id) return last;
    const known = this.#items.findLast(({ item }) => item.id === id);
    return known ?? (last?.item.id ? undefined : last);
  }
}

/** Some servers do not repeat the arguments in the end. */
function withArguments(item: Output[number], before: Output[number]): Output[number] {
  if (item.type !== 'function_call' || before.type !== 'function_call') return item;
  return item.arguments ? item : { ...item, arguments: before.arguments };
}
