/** A record whose fields are made when one of them is first looked at. */
export function lazyRecord(make: () => Record<string, unknown>): Record<string, unknown> {
  return new Proxy(Object.create(null) as Record<string, unknown>, new Maker(make));
}

class Maker implements ProxyHandler<Record<string, unknown>> {
  #make: (() => Record<string, unknown>) | undefined;

  constructor(make: () => Record<string, unknown>) {
    this.#make = make;
  }

  get(target: Record<string, unknown>, key: string): unknown {
    return this.#made(target)[key];
  }

  has(target: Record<string, unknown>, key: string): boolean {
    return key in this.#made(target);
  }

  ownKeys(target: Record<string, unknown>): (string | symbol)[] {
    return Reflect.ownKeys(this.#made(target));
  }

  getOwnPropertyDescriptor(
    target: Record<string, unknown>,
    key: string,
  ): PropertyDescriptor | undefined {
    return Reflect.getOwnPropertyDescriptor(this.#made(target), key);
  }

  #made(target: Record<string, unknown>): Record<string, unknown> {
    if (this.#make !== undefined) {
      const fields = this.#make();
      this.#make = undefined;
      Object.assign(target, fields);
    }
    return target;
  }
}
