import type { NatsConnection } from '@nats-io/transport-node';
import type { StatewattError } from '../../errors/error.js';
import type { StatewattClient } from '../../actors/client/client.js';
import { liveAlarmSubject, liveModelSubject, liveSubject, type Lease } from '../../actors/client/endpoints.js';
import { Leases } from './leases.js';

/** Bytes given to the connection before the server has to say that it took them. */
const FLUSH_BYTES = 64 * 1024;
const ALARMS = 'alarms';
const MODEL = 'model/';

/** What may be watched: a channel, all channels, the alarms, a model. */
type Watched = number | '*' | typeof ALARMS | `${typeof MODEL}${string}`;

/**
 * Publishes live changes as JSON while somebody asks for them. What it holds grows with what is watched, never with the
 * number of watchers: a lease belongs to a channel (or to all, to the alarms, to a model), and asking again makes it last longer.
 */
export class LiveChanges {
  readonly #nats: NatsConnection;
  readonly #client: StatewattClient;
  readonly #leases: Leases<Watched>;

  constructor(
    nats: NatsConnection,
    client: StatewattClient,
    leaseMs: number,
    onProblem: (error: StatewattError) => void,
  ) {
    this.#nats = nats;
    this.#client = client;
    const publish = (watched: Watched, signal: AbortSignal): Promise<void> => {
      if (watched === ALARMS) return this.#publishAlarms(signal);
      if (typeof watched === 'number' || watched === '*') return this.#publishPoints(watched, signal);
      return this.#publishModel(watched.slice(MODEL.length), signal);
    };
    this.#leases = new Leases({ leaseMs, onProblem, publish });
  }

  /** What has a lease. */
  get watched(): readonly Watched[] {
    return this.#leases.keys;
  }

  /**
   * Starts or renews a lease. The subject for all channels is a wildcard: what a channel's own lease publishes is
   * seen there too, and is not published twice.
   * @throws `nats.stopping`
   */
  watch(channel: number | '*'): Lease {
    return { subject: liveSubject(channel), leaseMs: this.#leases.renew(channel) };
  }

  /** Starts or renews the lease of the alarms. @throws `nats.stopping` */
  watchAlarms(): Lease {
    return { subject: liveAlarmSubject('*', '*'), leaseMs: this.#leases.renew(ALARMS) };
  }

  /** Starts or renews the lease of a model. @throws `nats.stopping` */
  watchModel(id: string): Lease {
    return { subject: liveModelSubject(id), leaseMs: this.#leases.renew(`${MODEL}${id}`) };
  }

  stop(): Promise<void> {
    return this.#leases.stop();
  }

  async #publishPoints(channel: number | '*', signal: AbortSignal): Promise<void> {
    const publish = this.#publisher();
    for await (const update of this.#client.watchPoints(channel === '*' ? {} : { channel }, signal)) {
      if (signal.aborted) return;
      if (channel === '*' && this.#leases.has(update.channel)) continue;
      await publish(liveSubject(update.channel), update);
    }
  }

  async #publishAlarms(signal: AbortSignal): Promise<void> {
    const publish = this.#publisher();
    for await (const { alarms } of this.#client.alarms.watch({}, signal)) {
      if (signal.aborted) return;
      for (const alarm of alarms) await publish(liveAlarmSubject(alarm.level, alarm.source), alarm);
    }
  }

  async #publishModel(id: string, signal: AbortSignal): Promise<void> {
    const publish = this.#publisher();
    for await (const change of this.#client.watchModel(id, signal)) {
      if (signal.aborted) return;
      await publish(liveModelSubject(id), change);
    }
  }

  /** Waits for the server now and then, so that the client keeps the newest state meanwhile and the connection no queue. */
  #publisher(): (subject: string, update: unknown) => Promise<void> | void {
    let bytes = 0;
    return (subject, update) => {
      const body = JSON.stringify(update);
      this.#nats.publish(subject, body);
      bytes += body.length;
      if (bytes < FLUSH_BYTES) return;
      bytes = 0;
      return this.#flush();
    };
  }

  async #flush(): Promise<void> {
    try {
      await this.#nats.flush();
    } catch (thrown) {
      // Lost while it was away; a watcher reads all of it again after a gap. A closed connection ends the watch.
      if (this.#nats.isClosed()) throw thrown;
    }
  }
}
