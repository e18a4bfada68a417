import { isEmptyInput, isWholeInput, ToolInputText } from '@stratagem/core/runner';
import { mergeDelta } from './merge-delta.js';

/** A piece of a tool call, as servers stream it. */
export interface CallPiece {
  readonly index?: number | null | undefined;
  readonly id?: string | null | undefined;
  readonly type?: string | null | undefined;
  readonly function?:
    | { readonly name?: string | null | undefined; readonly arguments?: unknown }
    | null
    | undefined;
}

/** A tool call whose pieces have been joined. */
export interface JoinedCall {
  /** The id that the server gave, if it gave one. */
  readonly id: string | undefined;
  readonly name: string;
  /** The arguments as the model wrote them. */
  readonly json: string;
  /** Fields that the next request must repeat, such as the signature of a thought. */
  readonly extra: object;
}

/**
 * Joins tool calls, whose arguments arrive in pieces. Servers differ in what a piece repeats: the
 * id, the name, the index, even the arguments. So the state of the arguments decides what a piece
 * belongs to: a call whose arguments are whole does not go on.
 */
export class ToolCallAccumulator {
  readonly #calls: Call[] = [];
  readonly #byIndex = new Map<number, Call>();
  readonly #byId = new Map<string, Call>();

  add(wire: CallPiece): void {
    // Some servers send the name and the arguments without an object around them.
    const called = wire.function ?? (wire as NonNullable<CallPiece['function']>);
    const piece = {
      index: wire.index ?? undefined,
      id: wire.id || undefined,
      name: typeof called.name === 'string' ? called.name : '',
      json: jsonOf(called.arguments),
    };
    let call = this.#knownCall(piece);
    if (call === undefined || !call.goesOnWith(piece)) {
      call = new Call();
      this.#calls.push(call);
    }
    call.add(piece, wire);
    if (piece.index !== undefined) this.#byIndex.set(piece.index, call);
    if (piece.id !== undefined) this.#byId.set(piece.id, call);
  }

  /** The call that this piece may be a part of. */
  #knownCall({ index, id, name }: Piece): Call | undefined {
    const byId = id === undefined ? undefined : this.#byId.get(id);
    const last = this.#calls.at(-1);
    if (byId !== undefined || index === undefined) return byId ?? last;
    // Some servers count the pieces instead of the calls.
    const isOfLast = last?.index === undefined || (id === undefined && name === '');
    return this.#byIndex.get(index) ?? (isOfLast ? last : undefined);
  }

  /** The calls, each once: a call that a server sends again has the same id. */
  get calls(): readonly JoinedCall[] {
    const kept = new Map<string, Call>();
    const unnamed: Call[] = [];
    // An announcement without arguments comes before the call itself.
    for (const call of this.#calls.toSorted((a, b) => Number(a.isEmpty) - Number(b.isEmpty))) {
      const { id, name, json, isEmpty } = call;
      if (id === undefined) {
        unnamed.push(call);
        continue;
      }
      const tool = JSON.stringify([id, name]);
      const same = kept.get(isEmpty ? tool : JSON.stringify([id, name, json]));
      if (same !== undefined) same.extra = mergeDelta(same.extra, call.extra) as object;
      else if (isEmpty) kept.set(tool, call);
      else kept.set(JSON.stringify([id, name, json]), call);
      if (!kept.has(tool)) kept.set(tool, call);
    }
    const all = new Set([...kept.values(), ...unnamed]);
    return this.#calls
      .filter((call) => all.has(call))
      .map(({ id, name, json, extra }) => ({ id, name, json, extra }));
  }
}

/** The fields of a piece that tell which call it belongs to. */
interface Piece {
  readonly index: number | undefined;
  readonly id: string | undefined;
  readonly name: string;
  readonly json: string;
}

class Call {
  index: number | undefined;
  id: string | undefined;
  name = '';
  extra: object = {};
  readonly #input = new ToolInputText();

  get json(): string {
    return this.#input.json;
  }

  get isEmpty(): boolean {
    return this.json === '' || isEmptyInput(this.json);
  }

  add({ index, id, name, json }: Piece, wire: CallPiece): void {
    this.index ??= index;
    this.id ??= id;
    // A name comes whole, in pieces, or again with each piece.
    if (name.startsWith(this.name)) this.name = name;
    else if (name !== this.name) this.name += name;
    this.extra = mergeDelta(this.extra, extraOf(wire)) as object;
    this.#input.add(json);
  }

  /** Whether a piece is a part of this call; otherwise it begins another one. */
  goesOnWith({ index, id, name, json }: Piece): boolean {
    const isOtherId = id !== undefined && this.id !== undefined && id !== this.id;
    const isOtherIndex = index !== undefined && this.index !== undefined && index !== this.index;
    const { isWhole } = this.#input;
    const isPart = this.json !== '' && !isWhole;
    if (name === '') return !isOtherId || !isWhole || json === '';
    // Some servers give each piece another id.
    if (isOtherId) return isPart && !isWholeInput(json);
    if (isPart || this.name === '') return true;
    // The same id at another index may be the same call again, which shows in the end.
    if (isOtherIndex) return false;
    if (!isWhole) return true;
    return name === this.name && (json === '' || json === this.json || isEmptyInput(this.json));
  }
}

/** Some servers send arguments as an object instead of its JSON. */
function jsonOf(given: unknown): string {
  if (given === undefined || given === null) return '';
  return typeof given === 'string' ? given : JSON.stringify(given);
}

/** The fields that only the server understands. */
function extraOf({ index: _, id, type, function: called, ...others }: CallPiece): object {
  const { name: own, arguments: ownInput, ...extra } = others as CallPiece['function'] & object;
  const { name, arguments: __, ...more } = called ?? {};
  return Object.keys(more).length === 0 ? extra : { ...extra, function: more };
}
