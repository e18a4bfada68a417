/**
 * Resources whose server asked to wait, and the tasks that were chosen for one of them meanwhile.
 * Those keep their place: they are the first to start when the wait is over.
 */
export class ResourcePauses {
  /** When each ends, as Unix time in milliseconds. */
  readonly #until = new Map<string, number>();
  readonly #parked: Parked[] = [];

  get size(): number {
    return this.#until.size;
  }

  get parkedCount(): number {
    return this.#parked.length;
  }

  /** When the first of them ends; Infinity without any. */
  get next(): number {
    return Math.min(...this.#until.values());
  }

  /** @returns Whether the resource is paused for longer now. */
  pause(resource: string, until: number): boolean {
    if (until <= (this.#until.get(resource) ?? Number.NEGATIVE_INFINITY)) return false;
    this.#until.set(resource, until);
    return true;
  }

  /** Forgets what is over. */
  expire(now: number): void {
    for (const [resource, until] of this.#until) if (until <= now) this.#until.delete(resource);
  }

  has(resource: string): boolean {
    return this.#until.has(resource);
  }

  park(index: number, resource: string): void {
    this.#parked.push({ index, resource });
  }

  /** The first parked task whose resource is free again, which is parked no more. */
  unpark(): number | undefined {
    if (this.#parked.length === 0) return undefined;
    const position = this.#parked.findIndex(({ resource }) => !this.#until.has(resource));
    return position < 0 ? undefined : this.#parked.splice(position, 1)[0]?.index;
  }

  /** Nothing that is parked will start any more. */
  clear(): void {
    this.#parked.length = 0;
  }
}

interface Parked {
  readonly index: number;
  readonly resource: string;
}
