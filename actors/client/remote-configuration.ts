import { configurationEndpoints as endpoints } from './configuration-endpoints.js';
import type {
  ConfigurationClient,
  ConfigurationDetail,
  ConfigurationDiff,
  ConfigurationDiffQuery,
  ConfigurationFile,
  ConfigurationFileQuery,
  ConfigurationLog,
  ConfigurationLogQuery,
  ConfigurationStatus,
  RollbackReply,
} from './configuration.js';
import type { Asker } from './remote-ask.js';

/** Two configurations are loaded, or files written, before there is an answer. */
const TIMEOUT_MS = 60_000;

/** The configuration of a site that runs elsewhere, over its NATS services. */
export class RemoteConfiguration implements ConfigurationClient {
  readonly #asker: Asker;

  constructor(asker: Asker) {
    this.#asker = asker;
  }

  status(): Promise<ConfigurationStatus> {
    return this.#asker.ask(endpoints.configurationStatus, {}, TIMEOUT_MS);
  }

  log(query: ConfigurationLogQuery): Promise<ConfigurationLog> {
    return this.#asker.ask(endpoints.configurationLog, query);
  }

  get(number: number): Promise<ConfigurationDetail> {
    return this.#asker.ask(endpoints.configurationGet, { number });
  }

  file(query: ConfigurationFileQuery): Promise<ConfigurationFile> {
    return this.#asker.ask(endpoints.configurationFile, query);
  }

  diff(query: ConfigurationDiffQuery): Promise<ConfigurationDiff> {
    return this.#asker.ask(endpoints.configurationDiff, query, TIMEOUT_MS);
  }

  rollBack(number: number, by: string): Promise<RollbackReply> {
    return this.#asker.ask(endpoints.configurationRollback, { number, by }, TIMEOUT_MS);
  }
}
