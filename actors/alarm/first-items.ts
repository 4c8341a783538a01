/**
 * The first `count` of items in the order of `compare`, ascending, without sorting all of them: a heap of the best so
 * far with the worst of them at its root (Knuth, The Art of Computer Programming, vol. 3, section 5.2.3).
 */
export class FirstItems<T> {
  readonly #count: number;
  readonly #compare: (a: T, b: T) => number;
  readonly #heap: T[] = [];

  constructor(count: number, compare: (a: T, b: T) => number) {
    this.#count = count;
    this.#compare = compare;
  }

  offer(item: T): void {
    const heap = this.#heap;
    if (heap.length < this.#count) {
      heap.push(item);
      this.#rise(heap.length - 1);
    } else if (this.#compare(item, heap[0] as T) < 0) {
      heap[0] = item;
      this.#sink(0);
    }
  }

  sorted(): T[] {
    return [...this.#heap].sort(this.#compare);
  }

  #rise(at: number): void {
    const heap = this.#heap;
    for (let child = at; child > 0;) {
      const parent = (child - 1) >> 1;
      if (this.#compare(heap[child] as T, heap[parent] as T) <= 0) return;
      this.#swap(child, parent);
      child = parent;
    }
  }

  #sink(at: number): void {
    const heap = this.#heap;
    for (let parent = at; ;) {
      let worst = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) {
        if (child < heap.length && this.#compare(heap[child] as T, heap[worst] as T) > 0) worst = child;
      }
      if (worst === parent) return;
      this.#swap(parent, worst);
      parent = worst;
    }
  }

  #swap(a: number, b: number): void {
    const heap = this.#heap;
    const item = heap[a] as T;
    heap[a] = heap[b] as T;
    heap[b] = item;
  }
}
