import { randomUUID } from 'node:crypto';
import type { NatsConnection } from '@nats-io/transport-node';
import { archiveEndpoints } from './archive-endpoints.js';
import type { ArchiveClient } from './archive.js';
import type { ExportQuery, ImportReply, ImportRequest, SeriesPage, SeriesQuery } from './archive-schemas.js';
import type { Mapping, Mappings, MappingView } from './history-mappings.js';
import type { Asker } from './remote-ask.js';
import { fetchFile } from './remote-file.js';

/** Of a request that waits for the database. */
const TIMEOUT_MS = 120_000;

/** The history of a site that runs elsewhere, over its NATS services. */
export class RemoteArchive implements ArchiveClient {
  readonly #nats: NatsConnection;
  readonly #asker: Asker;

  constructor(nats: NatsConnection, asker: Asker) {
    this.#nats = nats;
    this.#asker = asker;
  }

  mappings(): Promise<Mappings> {
    return this.#asker.ask(archiveEndpoints.historyMappings, {});
  }

  putMapping(id: string, mapping: Mapping): Promise<MappingView> {
    return this.#asker.ask(archiveEndpoints.historyPutMapping, { id, mapping });
  }

  async removeMapping(id: string): Promise<void> {
    await this.#asker.ask(archiveEndpoints.historyRemoveMapping, { id });
  }

  series(query: SeriesQuery): Promise<SeriesPage> {
    return this.#asker.ask(archiveEndpoints.historySeries, query);
  }

  import(request: ImportRequest): Promise<ImportReply> {
    return this.#asker.ask(archiveEndpoints.historyImport, request, TIMEOUT_MS);
  }

  /** A loss of the connection or of the node ends it with an error: the reader begins anew. */
  async *export(query: ExportQuery, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { subject } = await this.#asker.ask(archiveEndpoints.historyExport, { ...query, reader: randomUUID() });
    yield* fetchFile(this.#nats, subject, signal);
  }
}
