import { isEmptyInput, isWholeInput } from '@stratagem/core/runner';
import type { Response, ResponseStreamEvent } from 'openai/resources/responses/responses';

type Output = Response['output'];
type Event<Type extends string> = Extract<ResponseStreamEvent, { readonly type: Type }>;

interface Streamed {
  readonly index: unknown;
  item: Output[number];
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
    if (known === undefined) this.#items.push({ index, item });
    else known.item = withArguments(item, known.item);
  }

  addArguments(event: Event<'response.function_call_arguments.delta'>): void {
    const item = this.#callOf(event);
    if (item === undefined) return;
    const before = typeof item.arguments === 'string' ? item.arguments : '';
    const piece = event.delta ?? '';
    // Some servers announce a call with empty arguments, and some repeat the whole ones at the end.
    if (!isWholeInput(before)) item.arguments = before + piece;
    else if (isEmptyInput(before) && piece.trimStart().startsWith('{')) item.arguments = piece;
  }

  setArguments(event: Event<'response.function_call_arguments.done'>): void {
    const item = this.#callOf(event);
    if (item !== undefined) item.arguments = event.arguments || item.arguments;
  }

  #callOf({
    output_index,
    item_id,
  }: {
    readonly output_index: unknown;
    readonly item_id: unknown;
  }) {
    const item = this.#at(output_index, item_id)?.item;
    return item?.type === 'function_call' ? item : undefined;
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
