import type {
  ForwarderCommandName,
  ForwarderStats,
  ForwarderView,
  ForwardingClient,
} from '../actors/client/forwarding.js';
import { FORWARDER_STATES } from '../actors/client/forwarding.js';
import { forwarderRef, type ForwarderKind } from '../actors/forwarder.js';
import type { ForwarderStatistics } from '../actors/forwarder/statistics.js';
import type { ForwarderConfiguration } from '../actors/forwarder/worker.js';
import type { ActorState } from '../actors/runtime/host.js';
import type { ActorSystem } from '../actors/runtime/system.js';
import { StatewattError } from '../errors/error.js';
import type { ForwarderContext } from '../machines/forwarder.js';
import type { Forwarder } from '../site/forwarding/forwarder.js';
import { crashOf } from './crash-of.js';
import type { Forwarding } from './forwarding.js';

export interface LocalForwardingParts {
  readonly system: ActorSystem;
  readonly kind: ForwarderKind;
  readonly forwarding: Forwarding;
}

/** What callers can ask of forwarders: the part of the public client that is about them. */
export class LocalForwarding implements ForwardingClient {
  readonly #parts: LocalForwardingParts;

  constructor(parts: LocalForwardingParts) {
    this.#parts = parts;
  }

  async list(): Promise<ForwarderView[]> {
    const { system, kind, forwarding } = this.#parts;
    const actors = new Map((await system.list(kind.kind)).map((actor) => [actor.id, actor]));
    return forwarding.all().map((config) => viewForwarder(config, actors.get(config.forwarder.id)));
  }

  /** Those that live on this node. */
  here(): ForwarderView[] {
    const { system, kind, forwarding } = this.#parts;
    return forwarding.all().flatMap((config) => {
      const actor = system.inspect(forwarderRef(kind, config.forwarder.id));
      return actor === undefined ? [] : [viewForwarder(config, actor)];
    });
  }

  async get(id: string): Promise<ForwarderView> {
    const { system, kind } = this.#parts;
    const config = this.#configOf(id);
    return viewForwarder(config, await system.look(forwarderRef(kind, id)));
  }

  async command(id: string, command: ForwarderCommandName): Promise<ForwarderView> {
    const { system, kind } = this.#parts;
    this.#configOf(id);
    await system.ask(forwarderRef(kind, id), { type: command });
    return this.get(id);
  }

  #configOf(id: string): ForwarderConfiguration {
    const found = this.#parts.forwarding.config(id);
    if (found !== undefined) return found;
    throw new StatewattError('forwarding.not_found', 'not_found', `there is no forwarder ${id} in this site`);
  }
}

function viewForwarder({ forwarder, selection }: ForwarderConfiguration, actor: ActorState | undefined): ForwarderView {
  const context = actor?.context as ForwarderContext | undefined;
  const live = actor?.live as { stats: ForwarderStatistics } | undefined;
  let points = 0;
  for (const selected of selection.channels.values()) points += selected.size;
  return {
    id: forwarder.id,
    ref: `forwarder/${forwarder.id}`,
    name: forwarder.name,
    type: forwarder.type,
    address: addressOf(forwarder),
    enabled: forwarder.enabled,
    state: stateOf(actor),
    since: context?.since ?? 0,
    node: actor?.node ?? null,
    points,
    stats: statsOf(live?.stats, context, actor),
  };
}

function statsOf(
  stats: ForwarderStatistics | undefined,
  context: ForwarderContext | undefined,
  actor: ActorState | undefined,
): ForwarderStats {
  return {
    sent: stats?.sent ?? 0,
    batches: stats?.batches ?? 0,
    failed: stats?.failed ?? 0,
    behind: stats?.behind ?? 0,
    lost: stats?.lost ?? 0,
    skipped: stats?.skipped ?? 0,
    outages: context?.outages ?? 0,
    reconnects: context?.reconnects ?? 0,
    lastError:
      (actor && crashOf(actor)) ?? stats?.lastError ?? context?.lastError?.error.message ?? actor?.lastError ?? null,
    lastErrorAt: stats?.lastErrorAt ?? context?.lastError?.at ?? null,
    lastSentAt: stats?.lastSentAt ?? null,
    sentUpTo: stats?.sentUpTo ?? null,
  };
}

/** An actor that is parked or being restarted is shown as the state that an operator would act on. */
function stateOf(actor: ActorState | undefined): ForwarderView['state'] {
  if (actor === undefined || actor.state === 'starting') return 'connecting';
  return FORWARDER_STATES.find((state) => state === actor.state) ?? 'faulted';
}

/** Without a login, and without a query that may hold a token. */
function addressOf(forwarder: Forwarder): string {
  const url = forwarder.type === 'mqtt' ? forwarder.broker.url : forwarder.url;
  return url
    .split(',')
    .map((one) =>
      one
        .trim()
        .replace(/^([a-z]+:\/\/)?[^@/]*@/i, '$1')
        .replace(/[?#].*$/, ''),
    )
    .join(', ');
}
