import type { ArchiveClient } from '../actors/client/archive.js';
import type {
  ExportQuery,
  ImportReply,
  ImportRequest,
  ImportRow,
  SeriesPage,
  SeriesPoint,
  SeriesQuery,
} from '../actors/client/archive-schemas.js';
import type { Mapping, Mappings, MappingsClient, MappingView } from '../actors/client/history-mappings.js';
import { StatewattError } from '../errors/error.js';
import type { HistoryStore, ImportedRow } from '../protocols/clickhouse/types.js';
import { formatPointAddress, type PointDefinition } from '../site/points.js';
import type { HistoryStorage } from './history-storage.js';
import type { PointIndexes } from './point-index.js';
import type { SiteHolder } from './site-holder.js';

const HOUR = 3_600_000;
const DAY = 86_400_000;
/** How far a caller's clock may be ahead of ours. */
const AHEAD_MS = 300_000;

/** The history of a node: knows which points there are, and leaves the rest to the store. */
export class LocalArchive implements ArchiveClient {
  readonly #store: HistoryStore;
  readonly #holder: SiteHolder;
  readonly #indexes: PointIndexes;
  readonly #storage: Pick<HistoryStorage, 'collects'>;
  readonly #mappings: MappingsClient;

  constructor(
    store: HistoryStore,
    holder: SiteHolder,
    indexes: PointIndexes,
    storage: Pick<HistoryStorage, 'collects'>,
    mappings: MappingsClient,
  ) {
    this.#storage = storage;
    this.#mappings = mappings;
    this.#store = store;
    this.#holder = holder;
    this.#indexes = indexes;
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
    for (const point of query.points) this.#known(point);
    return this.#store.series(query);
  }

  async import({ rows }: ImportRequest): Promise<ImportReply> {
    const now = Date.now();
    const sound: ImportedRow[] = [];
    const refused: ImportReply['refused'] = [];
    for (const [index, row] of rows.entries()) {
      const read = this.#read(row, now);
      if (typeof read === 'string') refused.push({ row: index, problem: read });
      else sound.push(read);
    }
    const result = await this.#store.import(sound);
    return { ...result, rows: rows.length, refused };
  }

  async *export(query: ExportQuery, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { to = Date.now(), from = to - HOUR, resolution = 'raw', format = 'csv' } = query;
    yield* this.#store.export({ points: this.#asked(query), from, to, resolution, format }, signal);
  }

  #asked({ points, channel }: ExportQuery): SeriesPoint[] {
    if (points !== undefined && channel === undefined) {
      for (const point of points) this.#known(point);
      return points;
    }
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

  /** The row as it is stored, or what is wrong with it. */
  #read(row: ImportRow, now: number): ImportedRow | string {
    const { channel, kind, id, time, value } = row;
    const point = this.#find(row);
    if (point === undefined) return `there is no point ${formatPointAddress(row)}`;
    if (time > now + AHEAD_MS) return `its time, ${showTime(time)}, lies in the future`;
    const { dayDays } = this.#holder.site.history;
    if (time < now - dayDays * DAY)
      return `its time, ${showTime(time)}, is past the ${dayDays} days that history is kept`;
    const quality = row.quality ?? (value === null ? 'bad' : 'good');
    if (value === null) {
      if (quality === 'good') return 'it has no value, and yet is called good';
    } else if (point.dataType === 'string') {
      return { channel, kind, id, time, value: String(value), quality };
    } else if (typeof value === 'string') {
      return `${JSON.stringify(value.slice(0, 40))} is no number, as those of ${formatPointAddress(row)} are`;
    }
    return { channel, kind, id, time, value, quality };
  }
}

function showTime(time: number): string {
  return time <= 8.64e15 ? new Date(time).toISOString() : String(time);
}
