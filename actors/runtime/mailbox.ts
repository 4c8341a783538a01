/** A bounded queue with one reader. A linked list: taking the first is O(1) however long it gets. */
export class Mailbox<T> {
  readonly capacity: number;
  #first: Node<T> | undefined;
  #last: Node<T> | undefined;
  #length = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get length(): number {
    return this.#length;
  }

  /** False when it is full: the caller must refuse. */
  offer(value: T): boolean {
    if (this.#length >= this.capacity) return false;
    this.push(value);
    return true;
  }

  /** The actor's own events: they are bounded by what it does itself, and are never refused. */
  push(value: T): void {
    const node: Node<T> = { value, next: undefined };
    if (this.#last === undefined) this.#first = node;
    else this.#last.next = node;
    this.#last = node;
    this.#length += 1;
  }

  /** What was taken and could not be processed is the first again: nothing overtakes it. */
  putBack(value: T): void {
    this.#first = { value, next: this.#first };
    this.#last ??= this.#first;
    this.#length += 1;
  }

  take(): T | undefined {
    const node = this.#first;
    if (node === undefined) return undefined;
    this.#first = node.next;
    if (this.#first === undefined) this.#last = undefined;
    this.#length -= 1;
    return node.value;
  }
}

interface Node<T> {
  readonly value: T;
  next: Node<T> | undefined;
}
