import type { ArchiveClient } from '../actors/client/archive.js';
import type {
  AskedPoint,
  ExportQuery,
  ImportReply,
  ImportRequest,
  SeriesPage,
  SeriesPoint,
  SeriesQuery,
} from '../actors/client/archive-schemas.js';
import type { Mapping, Mappings, MappingsClient, MappingView } from '../actors/client/history-mappings.js';
import { StatewattError } from '../errors/error.js';
import type { HistoryStore } from '../protocols/clickhouse/types.js';
import { formatPointAddress, type PointDefinition } from '../site/points.js';
import type { ModelAddress } from '../site/models/address.js';
import {
  aggregatesFor,
  knownPoints,
  seenOf,
  seriesOf,
  type KnownPoint,
  type StoredModelPoint,
} from './archive-points.js';
import type { HistoryStorage } from './history-storage.js';
import { importTargets, readRows } from './import-rows.js';
import type { PointIndexes } from './point-index.js';
import type { SiteHolder } from './site-holder.js';

const HOUR = 3_600_000;

export interface LocalArchiveParts {
  readonly history: HistoryStore;
  readonly holder: SiteHolder;
  readonly indexes: PointIndexes;
  readonly storage: Pick<HistoryStorage, 'collects'>;
  readonly mappings: MappingsClient;
  /** A point of a model. @throws when there is none */
  readonly ofModel: (address: ModelAddress) => Promise<StoredModelPoint>;
}

/** The history of a node: knows which points there are, and leaves the rest to the store. */
export class LocalArchive implements ArchiveClient {
  readonly #store: HistoryStore;
  readonly #holder: SiteHolder;
  readonly #indexes: PointIndexes;
  readonly #storage: Pick<HistoryStorage, 'collects'>;
  readonly #mappings: MappingsClient;
  readonly #ofModel: LocalArchiveParts['ofModel'];

  constructor({ history, holder, indexes, storage, mappings, ofModel }: LocalArchiveParts) {
    this.#storage = storage;
    this.#mappings = mappings;
    this.#store = history;
    this.#holder = holder;
    this.#indexes = indexes;
    this.#ofModel = ofModel;
  }

  mappings(): Promise<Mappings> {
    return this.#mappings.mappings();
  }

  putMapping(id: string, mapping: Mapping): Promise<MappingView> {
    return this.#mappings.putMapping(id, mapping);
  }

  removeMapping(id: string): Promise<void> {
    return this.#mappings.removeMapping(id);
  }

  async series(query: SeriesQuery): Promise<SeriesPage> {
    const { aggregates = ['avg'] } = query;
    const points = await this.#all(query.points);
    const stored = points.map(({ channel, kind, id }) => ({ channel, kind, id }));
    const asked = aggregatesFor(points, aggregates);
    const page = await this.#store.series({ ...query, points: stored, aggregates: asked });
    const series = points.map((point, index) => seriesOf(point, page.series[index]?.rows ?? [], aggregates));
    return { ...page, aggregates: [...aggregates], series };
  }

  async import({ rows }: ImportRequest): Promise<ImportReply> {
    const targets = await importTargets(rows, (point) => this.#find(point), this.#ofModel);
    const { sound, refused } = readRows(rows, targets, this.#holder.site.history.dayDays);
    const result = await this.#store.import(sound);
    return { ...result, rows: rows.length, refused };
  }

  async *export(query: ExportQuery, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { to = Date.now(), from = to - HOUR, resolution = 'raw', format = 'csv' } = query;
    const points = (await this.#asked(query)).map(seenOf);
    yield* this.#store.export({ points, from, to, resolution, format }, signal);
  }

  #all(points: readonly AskedPoint[]): Promise<KnownPoint[]> {
    return knownPoints(points, (point) => this.#known(point), this.#ofModel);
  }

  async #asked({ points, channel }: ExportQuery): Promise<KnownPoint[]> {
    if (points !== undefined && channel === undefined) return this.#all(points);
    if (channel === undefined || points !== undefined) {
      throw new StatewattError('history.invalid_query', 'invalid', 'give either points or channel');
    }
    const config = this.#holder.channel(channel);
    if (config === undefined) {
      throw new StatewattError('channels.not_found', 'not_found', `there is no channel ${channel} in this site`);
    }
    return config.points.map(({ kind, id }) => ({ channel, kind, id }));
  }

  /** @throws `points.not_found` */
  #known(point: SeriesPoint): void {
    if (this.#find(point) !== undefined || this.#storage.collects(point.channel, point.kind, point.id)) return;
    throw new StatewattError('points.not_found', 'not_found', `there is no point ${formatPointAddress(point)}`);
  }

  #find({ channel, kind, id }: SeriesPoint): PointDefinition | undefined {
    const config = this.#holder.channel(channel);
    return config === undefined ? undefined : this.#indexes.of(config).find(kind, id)?.point;
  }
}
