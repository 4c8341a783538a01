import { formatAddress } from '../../actors/client/addresses.js';
import { StatewattError } from '../../errors/error.js';
import type { ArchiveClient } from '../../actors/client/archive.js';
import type { Mapping, Mappings, MappingView } from '../../actors/client/history-mappings.js';
import type {
  ExportQuery,
  ImportReply,
  ImportRequest,
  ImportRow,
  SeriesPage,
  SeriesQuery,
} from '../../actors/client/archive-schemas.js';

/** The history of the fake client: one bucket for each point, imports that are remembered, and files of two pieces. */
export class FakeArchive implements ArchiveClient {
  readonly kept = new Map<string, MappingView>();
  readonly imported = new Map<string, ImportRow>();
  /** Exports that were begun, and ended by their reader or their end. */
  opened = 0;
  ended = 0;
  readonly #time: number;

  constructor(time: number) {
    this.#time = time;
  }

  async mappings(): Promise<Mappings> {
    return { mappings: [...this.kept.values()] };
  }

  async putMapping(id: string, mapping: Mapping): Promise<MappingView> {
    const view = { id, ...mapping, definedBy: 'caller', updatedAt: this.#time, problem: null } as const;
    this.kept.set(id, view);
    return view;
  }

  async removeMapping(id: string): Promise<void> {
    if (this.kept.delete(id)) return;
    throw new StatewattError('history.mapping_not_found', 'not_found', 'there is no such mapping');
  }

  async series(query: SeriesQuery): Promise<SeriesPage> {
    const { points, to = this.#time, from = to - 3_600_000, every, timeZone = 'UTC', aggregates = ['avg'] } = query;
    const values = Object.fromEntries(aggregates.map((name) => [name, name === 'count' ? 60 : 42.5]));
    return {
      from,
      to,
      every,
      timeZone,
      aggregates: [...aggregates],
      resolution: '1m',
      series: points.map((point) => {
        const stored = 'model' in point ? { channel: 4_000_000_001, kind: 'T' as const, id: 1, ...point } : point;
        return { ...stored, rows: [{ time: from, ...values }] };
      }),
      nextCursor: null,
    };
  }

  async import({ rows }: ImportRequest): Promise<ImportReply> {
    const reply: ImportReply = { rows: rows.length, stored: 0, replaced: 0, measured: 0, refused: [] };
    for (const [index, row] of rows.entries()) {
      const key = `${formatAddress(row)} ${row.time}`;
      if ('channel' in row && row.channel > 2_000) {
        reply.refused.push({ row: index, problem: `there is no channel ${row.channel}` });
        continue;
      }
      if (this.imported.has(key)) reply.replaced += 1;
      reply.stored += 1;
      this.imported.set(key, row);
    }
    return reply;
  }

  async *export(query: ExportQuery, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    if (query.points === undefined) throw new StatewattError('history.invalid_query', 'invalid', 'give points');
    this.opened += 1;
    try {
      yield Buffer.from('channel,kind,point,time,value,text,quality\n');
      if (!signal.aborted) yield Buffer.from(`${query.points.length} points as ${query.format ?? 'csv'}\n`);
    } finally {
      this.ended += 1;
    }
  }
}
