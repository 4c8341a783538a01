import { forwardingEndpoints } from './forwarding-endpoints.js';
import type { ForwarderCommandName, ForwarderView, ForwardingClient } from './forwarding.js';
import type { Asker } from './remote-ask.js';

/** The targets of a site that runs elsewhere, over its NATS services. */
export class RemoteForwarding implements ForwardingClient {
  readonly #asker: Asker;

  constructor(asker: Asker) {
    this.#asker = asker;
  }

  async list(): Promise<ForwarderView[]> {
    return (await this.#asker.ask(forwardingEndpoints.forwardingList, {})).forwarders;
  }

  get(id: string): Promise<ForwarderView> {
    return this.#asker.ask(forwardingEndpoints.forwardingGet, { id });
  }

  command(id: string, command: ForwarderCommandName): Promise<ForwarderView> {
    return this.#asker.ask(forwardingEndpoints.forwardingCommand, { id, command });
  }
}
