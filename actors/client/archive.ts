import type { ExportQuery, ImportReply, ImportRequest, SeriesPage, SeriesQuery } from './archive-schemas.js';
import type { MappingsClient } from './history-mappings.js';

/** What history can do beside the pages of one point's values (`StatewattClient.history`). */
export interface ArchiveClient extends MappingsClient {
  /** Several points in buckets of time. @throws `history.invalid_query`, `points.not_found` */
  series(query: SeriesQuery): Promise<SeriesPage>;
  /**
   * Adds values that come late or from elsewhere; answers once they are durable, in every tier. Repeating it, whole or
   * in part, after whatever failure, gives each point and time one value. Rows that are wrong are told and left out.
   */
  import(request: ImportRequest): Promise<ImportReply>;
  /**
   * Values as a file, piece by piece: one hour until `to`, raw, CSV, unless the query says otherwise. Ending the
   * iteration, or the signal, ends it.
   *
   * @throws `history.invalid_query`, `points.not_found`
   */
  export(query: ExportQuery, signal: AbortSignal): AsyncIterable<Uint8Array>;
}
