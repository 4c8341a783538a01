import { formatRef, PARTITIONS, parseRef, type Ref } from '../../bus/subjects.js';

interface Configure {
  type: string;
  revision: string;
  enabled: boolean;
}

/** The actors as those see them who bring a site's parts to life: who lives, and with which configuration. */
export class FakeActors {
  readonly revisions = new Map<string, string | null>();
  readonly log: string[] = [];
  owned: ReadonlySet<number> = new Set(Array.from({ length: PARTITIONS }, (_, partition) => partition));
  refuse: string | undefined;
  readonly #retired = new Set<string>();
  under = 0;
  most = 0;

  async activate(to: Ref): Promise<void> {
    this.most = Math.max(this.most, ++this.under);
    await new Promise((resolve) => setImmediate(resolve));
    this.under -= 1;
    const name = formatRef(to);
    if (this.refuse === name) throw new Error('parked');
    this.log.push(`activate ${name}`);
    this.#retired.delete(name);
    if (!this.revisions.has(name)) this.revisions.set(name, null);
  }

  inspect(to: Ref) {
    const revision = this.revisions.get(formatRef(to));
    return revision === undefined ? undefined : { context: { revision } };
  }

  ask(to: Ref, { revision, enabled }: Configure): Promise<string> {
    const name = formatRef(to);
    if (this.refuse === name) return Promise.reject(new Error('parked'));
    this.log.push(`configure ${name} ${revision === 'removed' ? 'removed' : ''}${enabled ? 'on' : 'off'}`);
    this.revisions.set(name, revision);
    return Promise.resolve('connecting');
  }

  retire(to: Ref): Promise<void> {
    this.log.push(`retire ${formatRef(to)}`);
    this.#retired.add(formatRef(to));
    return Promise.resolve();
  }

  actors() {
    return [...this.revisions.keys()].filter((name) => !this.#retired.has(name)).map(parseRef);
  }
}
