/** Counts the attempts in flight by the resource that they compete for. */
export class InFlight {
  readonly #resourceOf: (index: number) => string;
  /** By the index of the task; an answer of `resourceOf` may change while an attempt is in flight. */
  readonly #resources = new Map<number, string>();
  readonly #counts = new Map<string, number>();

  constructor(resourceOf: (index: number) => string) {
    this.#resourceOf = resourceOf;
  }

  /** The number of attempts in flight at a resource. */
  at(resource: string): number {
    return this.#counts.get(resource) ?? 0;
  }

  start(index: number): void {
    const resource = this.#resourceOf(index);
    this.#resources.set(index, resource);
    this.#counts.set(resource, this.at(resource) + 1);
  }

  end(index: number): void {
    const resource = this.#resources.get(index);
    if (resource === undefined) return;
    this.#resources.delete(index);
    const count = this.at(resource) - 1;
    if (count === 0) this.#counts.delete(resource);
    else this.#counts.set(resource, count);
  }
}
