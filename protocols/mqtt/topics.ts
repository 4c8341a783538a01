/** Which points a topic is about. Filters are as in MQTT 5, section 4.7. */
export class TopicIndex {
  readonly #exact = new Map<string, number[]>();
  readonly #patterns: { readonly levels: readonly string[]; readonly indexes: number[] }[] = [];

  /** `filters` are parallel to the points; undefined: the point has none. */
  constructor(filters: readonly (string | undefined)[]) {
    const byFilter = new Map<string, number[]>();
    filters.forEach((filter, index) => {
      if (filter === undefined) return;
      const known = byFilter.get(filter);
      if (known === undefined) byFilter.set(filter, [index]);
      else known.push(index);
    });
    for (const [filter, indexes] of byFilter) {
      if (/[+#]/.test(filter)) this.#patterns.push({ levels: filter.split('/'), indexes });
      else this.#exact.set(filter, indexes);
    }
  }

  /** Each filter once. */
  get filters(): string[] {
    return [...this.#exact.keys(), ...this.#patterns.map(({ levels }) => levels.join('/'))];
  }

  /** Calls `use` with each point that the topic is about. */
  forEach(topic: string, use: (index: number) => void): void {
    this.#exact.get(topic)?.forEach(use);
    if (this.#patterns.length === 0) return;
    const levels = topic.split('/');
    for (const pattern of this.#patterns) if (matches(pattern.levels, levels)) pattern.indexes.forEach(use);
  }
}

function matches(filter: readonly string[], levels: readonly string[]): boolean {
  // Section 4.7.2: topics that begin with $ are not meant by a wildcard at the first level.
  if (levels[0]?.startsWith('$') === true && (filter[0] === '#' || filter[0] === '+')) return false;
  for (let at = 0; at < filter.length; at++) {
    if (filter[at] === '#') return true;
    if (at >= levels.length) return false;
    if (filter[at] !== '+' && filter[at] !== levels[at]) return false;
  }
  return filter.length === levels.length;
}
