/** What of a rule matters for finding loops. */
export interface RuleTraffic {
  readonly id: string;
  /** Points that its expression reads, as addresses in one form. */
  readonly reads: readonly string[];
  /** Points that its actions write. */
  readonly writes: readonly string[];
}

/**
 * For each rule that may set itself off again, by way of what it and others write, the shortest such chain in words:
 * `a writes comsrv:1:C:1, b reads it and writes comsrv:1:A:2, a reads it`. Such a chain is no fault in itself: a
 * two-point control is one, and comes to rest.
 */
export function findLoops(rules: readonly RuleTraffic[]): Map<string, string> {
  const readers = new Map<string, RuleTraffic[]>();
  for (const rule of rules) {
    for (const point of new Set(rule.reads)) {
      const of = readers.get(point);
      if (of === undefined) readers.set(point, [rule]);
      else of.push(rule);
    }
  }
  const loops = new Map<string, string>();
  for (const rule of rules) {
    const chain = shortestChain(rule, readers);
    if (chain !== undefined) loops.set(rule.id, describe(rule, chain));
  }
  return loops;
}

interface Link {
  readonly point: string;
  readonly reader: RuleTraffic;
  readonly before: Link | undefined;
}

/** Breadth first from a rule back to itself. */
function shortestChain(rule: RuleTraffic, readers: ReadonlyMap<string, readonly RuleTraffic[]>): Link | undefined {
  const seen = new Set<RuleTraffic>();
  const queue: { from: RuleTraffic; link: Link | undefined }[] = [{ from: rule, link: undefined }];
  for (const { from, link } of queue) {
    for (const point of from.writes) {
      for (const reader of readers.get(point) ?? []) {
        const next: Link = { point, reader, before: link };
        if (reader === rule) return next;
        if (seen.has(reader)) continue;
        seen.add(reader);
        queue.push({ from: reader, link: next });
      }
    }
  }
  return undefined;
}

function describe(rule: RuleTraffic, last: Link): string {
  const links: Link[] = [];
  for (let link: Link | undefined = last; link !== undefined; link = link.before) links.unshift(link);
  const parts = links.map(({ point, reader }, index) => {
    const writes = index === 0 ? `${rule.id} writes ${point}` : `and writes ${point}`;
    return `${writes}, ${reader.id} reads it`;
  });
  return parts.join(' ');
}
