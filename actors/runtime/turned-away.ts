/**
 * Commands of one actor that found no room and will come again, by their places in the queue. Until they are in, none
 * that was sent after them may be: it would overtake them.
 */
export class TurnedAway {
  /** Ascending. Bounded by what the queue has on its way at once. */
  readonly #places: number[] = [];

  /** Whether a command that was turned away stood before this place. */
  before(place: number): boolean {
    const first = this.#places[0];
    return first !== undefined && first < place;
  }

  add(place: number): void {
    const { index, found } = this.#find(place);
    if (!found) this.#places.splice(index, 0, place);
  }

  /** It is in, or will not come again. */
  remove(place: number): void {
    const { index, found } = this.#find(place);
    if (found) this.#places.splice(index, 1);
  }

  #find(place: number): { index: number; found: boolean } {
    let [low, high] = [0, this.#places.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#places[middle] as number) < place) low = middle + 1;
      else high = middle;
    }
    return { index: low, found: this.#places[low] === place };
  }
}
