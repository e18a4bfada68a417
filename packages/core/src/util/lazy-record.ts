type Fields = Record<string, unknown>;

const OWNER = Symbol('owner');
const FIELDS = Symbol('fields');

/** What a proxy stands for: the fields, or whose fields they will be. */
class Unread<Owner> {
  readonly [OWNER]: Owner;
  [FIELDS]: Fields | undefined = undefined;

  constructor(owner: Owner) {
    this[OWNER] = owner;
  }
}

/**
 * Makes records whose fields are read when one of them is first looked at. All records share one
 * handler, as a record is made for nearly every task of a run.
 *
 * @param read Returns a record without a prototype.
 */
export function lazyRecords<Owner>(read: (owner: Owner) => Readonly<Fields>) {
  const handler = new LazyHandler(read);
  return (owner: Owner): Fields =>
    new Proxy(new Unread(owner), handler as ProxyHandler<Unread<Owner>>) as unknown as Fields;
}

class LazyHandler<Owner> {
  readonly #read: (owner: Owner) => Readonly<Fields>;

  constructor(read: (owner: Owner) => Readonly<Fields>) {
    this.#read = read;
  }

  get(target: Unread<Owner>, key: string): unknown {
    return this.#fieldsOf(target)[key];
  }

  has(target: Unread<Owner>, key: string): boolean {
    return key in this.#fieldsOf(target);
  }

  set(target: Unread<Owner>, key: string, value: unknown): boolean {
    return Reflect.set(this.#fieldsOf(target), key, value);
  }

  deleteProperty(target: Unread<Owner>, key: string): boolean {
    return Reflect.deleteProperty(this.#fieldsOf(target), key);
  }

  ownKeys(target: Unread<Owner>): (string | symbol)[] {
    return Reflect.ownKeys(this.#fieldsOf(target));
  }

  getOwnPropertyDescriptor(target: Unread<Owner>, key: string): PropertyDescriptor | undefined {
    return Reflect.getOwnPropertyDescriptor(this.#fieldsOf(target), key);
  }

  getPrototypeOf(): null {
    return null;
  }

  #fieldsOf(target: Unread<Owner>): Fields {
    target[FIELDS] ??= this.#read(target[OWNER]);
    return target[FIELDS];
  }
}
