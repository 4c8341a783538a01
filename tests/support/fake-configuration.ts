import type {
  ConfigurationClient,
  ConfigurationDetail,
  ConfigurationDiff,
  ConfigurationDiffQuery,
  ConfigurationEntry,
  ConfigurationFile,
  ConfigurationFileQuery,
  ConfigurationLog,
  ConfigurationLogQuery,
  ConfigurationStatus,
  RollbackReply,
} from '../../actors/client/configuration.js';
import { StatewattError } from '../../errors/error.js';
import { summaryOf, type SiteChanges } from '../../site/config/versions/changes.js';

const CHANNEL =
  '  - id: 1\n    protocol: virtual\n    simulation: { patterns: [{ type: constant, point_id: 1, value: 1 }] }\n';
const TEXTS = ['channels: []\n', `channels:\n${CHANNEL}`];
const CHANGES: SiteChanges = {
  settings: [],
  items: [{ section: 'channels', id: '1', name: 'channel 1', change: 'added', fields: [] }],
};

/** Two configurations in memory, the second of which is in force; what lies on the disk is the same. */
export class FakeConfiguration implements ConfigurationClient {
  readonly entries: ConfigurationEntry[];
  refused: ConfigurationStatus['disk']['problems'] = [];
  /** Who put what back. */
  readonly rollbacks: [number, string][] = [];
  /** Characters of a file in one answer. */
  part = 1_000;

  constructor(time: number) {
    this.entries = TEXTS.map((text, index) => ({
      number: index + 1,
      at: time - 60_000 * (TEXTS.length - index),
      cause: index === 0 ? 'start' : 'edit',
      by: 'file',
      node: 'node-1',
      hash: String(index + 1).repeat(64),
      files: 1,
      bytes: text.length,
      pieces: 1,
      secrets: 0,
      summary: index === 0 ? 'the first in the journal: 0 channels' : summaryOf(CHANGES),
      of: null,
    }));
  }

  status(): Promise<ConfigurationStatus> {
    const state = this.refused.length > 0 ? 'refused' : 'inForce';
    const disk = { state, path: '/site/site.yaml', problems: this.refused } as const;
    return Promise.resolve({ inForce: this.entries.at(-1) ?? null, watched: true, disk });
  }

  log({ limit = 100, cursor }: ConfigurationLogQuery): Promise<ConfigurationLog> {
    const left = this.entries.filter(({ number }) => number < Number(cursor ?? Infinity)).reverse();
    const entries = left.slice(0, limit);
    return Promise.resolve({
      entries,
      nextCursor: entries.length < left.length ? String(entries.at(-1)?.number) : null,
    });
  }

  async get(number: number): Promise<ConfigurationDetail> {
    const entry = this.#entry(number);
    const { bytes, hash: sha256 } = entry;
    return { ...entry, fileList: [{ path: 'site.yaml', bytes, sha256 }] };
  }

  async file({ number, path, offset = 0 }: ConfigurationFileQuery): Promise<ConfigurationFile> {
    const text = TEXTS[this.#entry(number).number - 1] ?? '';
    const end = offset + this.part;
    return {
      ...{ path, encoding: 'utf8' },
      text: text.slice(offset, end),
      nextOffset: end < text.length ? end : null,
    };
  }

  async diff({ from, to }: ConfigurationDiffQuery): Promise<ConfigurationDiff> {
    const [before, after] = [from ?? 2, to ?? 2].map((number) => this.#entry(number).number);
    const changes = before === 1 && after === 2 ? CHANGES : { settings: [], items: [] };
    return { from: from ?? 2, to: to ?? null, summary: summaryOf(changes), changes };
  }

  async rollBack(number: number, by: string): Promise<RollbackReply> {
    const entry = this.#entry(number);
    this.rollbacks.push([number, by]);
    const next = { ...entry, number: this.entries.length + 1, cause: 'rollback' as const, by, of: number };
    this.entries.push(next);
    return { number, inForce: next.number, kept: null, written: ['site.yaml'], removed: [] };
  }

  #entry(number: number): ConfigurationEntry {
    const entry = this.entries.find((each) => each.number === number);
    if (entry !== undefined) return entry;
    throw new StatewattError('config.not_found', 'not_found', `there is no configuration ${number} in the journal`);
  }
}
