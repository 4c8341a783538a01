import type { StreamInfo } from '@nats-io/jetstream';
import type { ForwarderView } from '../actors/client/forwarding.js';
import type { Health, PartHealth } from '../actors/client/schemas.js';
import type { AlarmIndexHealth } from '../actors/alarm/local-alarms.js';
import type { FramePublisher } from '../actors/frames/publisher.js';
import type { HistoryWriter } from './history-writer.js';
import type { RealtimeProjection } from '../actors/projections/realtime.js';
import type { ActorSystem } from '../actors/runtime/system.js';
import type { Bus } from '../bus/connection.js';
import type { EmbeddedServer } from '../bus/server.js';
import { isRelaxed, STREAM } from '../bus/streams.js';
import { partitionOf } from '../bus/subjects.js';
import { errorMessage } from '../errors/error.js';
import type { HistoryHealth, HistoryStore } from '../protocols/clickhouse/types.js';
import type { RealtimeStore } from '../protocols/realtime/store.js';
import { forwardingHealth } from './forwarding-health.js';
import type { LedgerHealth } from './ledger.js';
import { patient } from './patient.js';
import type { SiteHolder } from './site-holder.js';

export interface HealthParts {
  readonly bus: Bus;
  readonly server: EmbeddedServer | undefined;
  readonly system: ActorSystem;
  readonly holder: SiteHolder;
  readonly realtime: RealtimeStore;
  readonly realtimeProjection: RealtimeProjection;
  readonly history: HistoryStore;
  readonly historyWriter: HistoryWriter;
  readonly publisher: FramePublisher;
  readonly alarms: { health(): AlarmIndexHealth };
  readonly ledger: { health(): LedgerHealth };
  /** The targets that this node sends to. */
  readonly forwarders: () => readonly ForwarderView[];
  readonly node: string;
  readonly version: string;
  readonly startedAt: number;
  /** All channels have been brought to life. */
  readonly ready: () => boolean;
  /** The last edit of the configuration that could not be used; undefined when the newest is in force. */
  readonly configurationProblem: () => string | undefined;
}

/** Answers within this age are given again: a load balancer may ask as often as it likes. */
const FRESH_MS = 500;
/** Frames that history may be behind before that is worth saying: ten seconds of a thousand channels. */
const LAG_WORTH_SAYING = 10_000;
/** What the ledger may be behind: it looks each half second, and fills up again after a pause at some 100,000 rows a second. */
const LEDGER_LAG_WORTH_SAYING_MS = 30_000;
/** Entries that the list of alarms may be behind: a few seconds of a flood. */
const ALARM_LAG_WORTH_SAYING = 5_000;

/** Probes give up after a few seconds; a part that does not answer sooner is not well. */
const ANSWER_MS = 2_000;

/** How a node says how it is, part by part. */
export class HealthCheck {
  readonly #parts: HealthParts;
  readonly #askHistory: () => Promise<HistoryHealth>;
  readonly #askFrames: () => Promise<StreamInfo>;
  readonly #askDeadLetters: () => Promise<number>;
  #last: { readonly at: number; readonly health: Promise<Health> } | undefined;

  constructor(parts: HealthParts) {
    this.#parts = parts;
    this.#askHistory = patient(ANSWER_MS, () => parts.history.health());
    this.#askFrames = patient(ANSWER_MS, () => parts.bus.manager.streams.info(STREAM.frames));
    this.#askDeadLetters = patient(ANSWER_MS, () => parts.system.deadLetters.count());
  }

  check(): Promise<Health> {
    const now = Date.now();
    if (this.#last === undefined || now - this.#last.at >= FRESH_MS || now < this.#last.at) {
      this.#last = { at: now, health: this.#check(now) };
    }
    return this.#last.health;
  }

  async #check(now: number): Promise<Health> {
    const { holder, node, version, startedAt, bus, ready } = this.#parts;
    const forwarding = forwardingHealth(this.#parts.forwarders());
    const [nats, history, deadLetters] = await Promise.all([this.#nats(), this.#history(), this.#deadLetters()]);
    const parts: Record<string, PartHealth> = {
      nats,
      realtime: this.#realtime(),
      history,
      ledger: this.#ledger(),
      spool: this.#spool(),
      actors: this.#actors(),
      deadLetters,
      channels: this.#channels(),
      alarms: this.#alarms(),
      ...(forwarding === undefined ? {} : { forwarding }),
      configuration: this.#configuration(),
    };
    return {
      status: overall(parts),
      ready: ready() && bus.status === 'connected',
      node,
      site: holder.site.name,
      version,
      uptimeMs: now - startedAt,
      parts,
    };
  }

  async #nats(): Promise<PartHealth> {
    const { bus, server } = this.#parts;
    const frames = bus.status === 'connected' ? await this.#framesDurability() : null;
    const where = server === undefined ? 'external' : 'embedded';
    return {
      status: bus.status === 'connected' ? 'up' : 'down',
      detail: `${bus.status} (${where})`,
      facts: {
        embedded: server !== undefined,
        restarts: server?.child.restarts ?? 0,
        // What a server that runs elsewhere does is not told to its clients.
        ...(server === undefined ? {} : { durability: server.strict ? 'strict' : 'relaxed' }),
        framesDurability: frames,
      },
    };
  }

  /** Relaxed: acknowledged before it is written; strict: as the server's. Null while it cannot be asked. */
  async #framesDurability(): Promise<'strict' | 'relaxed' | null> {
    try {
      return isRelaxed((await this.#askFrames()).config) ? 'relaxed' : 'strict';
    } catch {
      return null; // Why is told by the parts that need the stream.
    }
  }

  #realtime(): PartHealth {
    const { realtime, realtimeProjection } = this.#parts;
    const { up, detail } = realtime.health();
    const { frames, points } = realtimeProjection.counters;
    const trouble = realtimeProjection.lastError;
    return {
      status: !up ? 'down' : trouble !== null ? 'degraded' : 'up',
      detail: trouble === null || !up ? detail : trouble,
      facts: { frames, points },
    };
  }

  async #history(): Promise<PartHealth> {
    const { historyWriter, bus } = this.#parts;
    const store = await this.#askHistory().catch((error: unknown) => ({
      status: 'down' as const,
      detail: errorMessage(error),
      facts: {},
    }));
    const { counters, committed, lastError } = historyWriter;
    const facts: NonNullable<PartHealth['facts']> = {
      ...store.facts,
      frames: counters.frames,
      points: counters.points,
      lost: counters.lost,
    };
    let status: PartHealth['status'] = store.status;
    let detail = store.detail;
    if (!historyWriter.writing) {
      facts.writing = false; // Another node writes for all.
    } else if (bus.status === 'connected') {
      try {
        const { state } = await this.#askFrames();
        const behind = Math.max(0, state.last_seq - Math.max(committed, state.first_seq - 1));
        facts.behind = behind;
        facts.committed = committed;
        if (status === 'up' && behind > LAG_WORTH_SAYING) [status, detail] = ['degraded', `${behind} frames behind`];
      } catch (error) {
        facts.behind = null;
        detail = `${detail}; how far behind is not known: ${errorMessage(error)}`;
      }
    }
    if (status === 'up' && counters.lost > 0) {
      [status, detail] = ['degraded', `${counters.lost} frames were lost since the start`];
    }
    if (lastError !== null) [status, detail] = [status === 'up' ? 'degraded' : status, lastError];
    return { status, detail, facts };
  }

  #ledger(): PartHealth {
    const { writing, rows, behindMs, lastError } = this.#parts.ledger.health();
    if (!writing) return { status: 'up', detail: 'another node writes it', facts: { writing } };
    const behindSeconds = Math.round(behindMs / 1_000);
    const facts = { writing, rows, behindSeconds };
    if (lastError !== null) {
      return { status: 'degraded', detail: `not written for ${behindSeconds} s: ${lastError}`, facts };
    }
    if (behindMs > LEDGER_LAG_WORTH_SAYING_MS) {
      return { status: 'degraded', detail: `${behindSeconds} s behind the journal`, facts };
    }
    return { status: 'up', detail: 'up to date', facts };
  }

  #spool(): PartHealth {
    const { counters, spooling, spoolBytes, lastError, waiting } = this.#parts.publisher;
    const facts = {
      waiting,
      bytes: spoolBytes,
      spooled: counters.spooled,
      replayed: counters.replayed,
      refused: counters.refused,
    };
    if (counters.refused > 0) {
      return {
        status: 'degraded',
        detail: `${counters.refused} frames were refused: ${lastError ?? 'the spool was full'}`,
        facts,
      };
    }
    if (spooling) return { status: 'degraded', detail: `frames wait on disk: ${lastError ?? 'being replayed'}`, facts };
    return { status: 'up', detail: 'empty', facts };
  }

  #actors(): PartHealth {
    const { system } = this.#parts;
    const actors = system.actors();
    const failed = actors.filter((actor) => actor.state === 'failed').map((actor) => actor.ref);
    const facts = {
      active: actors.length,
      failed: failed.length,
      restarts: system.counters.restarts,
      partitions: system.owned.size,
      nodes: system.nodes.length,
    };
    if (failed.length === 0) return { status: 'up', detail: `${actors.length} active`, facts };
    return { status: 'degraded', detail: `${failed.length} parked after too many crashes: ${some(failed)}`, facts };
  }

  /** Of all nodes: what somebody has to decide about. */
  async #deadLetters(): Promise<PartHealth> {
    try {
      const letters = await this.#askDeadLetters();
      if (letters === 0) return { status: 'up', detail: 'none', facts: { letters } };
      return { status: 'degraded', detail: `${letters} wait to be replayed or discarded`, facts: { letters } };
    } catch (error) {
      return { status: 'degraded', detail: `not known: ${errorMessage(error)}`, facts: { letters: null } };
    }
  }

  #channels(): PartHealth {
    const { holder, system } = this.#parts;
    const states = new Map(system.actors().map((actor) => [actor.ref, actor.state]));
    const counts: Record<string, number> = {};
    const troubled: string[] = [];
    for (const channel of holder.site.channels) {
      if (!system.owned.has(partitionOf({ kind: 'channel', id: String(channel.id) }))) continue;
      const state = states.get(`channel/${channel.id}`) ?? 'starting';
      counts[state] = (counts[state] ?? 0) + 1;
      if (state === 'backingOff' || state === 'faulted' || state === 'failed') troubled.push(`${channel.id} ${state}`);
    }
    const detail = Object.entries(counts).map(([state, count]) => `${count} ${state}`);
    return {
      status: troubled.length === 0 ? 'up' : 'degraded',
      detail: troubled.length === 0 ? detail.join(', ') || 'none' : some(troubled),
      facts: counts,
    };
  }

  #alarms(): PartHealth {
    const { loaded, lastError, ...facts } = this.#parts.alarms.health();
    if (!loaded) return { status: 'degraded', detail: lastError ?? 'being read from the journal', facts };
    if (lastError !== null) return { status: 'degraded', detail: lastError, facts };
    if (facts.behind > ALARM_LAG_WORTH_SAYING) {
      return { status: 'degraded', detail: `the list is ${facts.behind} entries behind`, facts };
    }
    return { status: 'up', detail: `${facts.alarms} known`, facts };
  }

  #configuration(): PartHealth {
    const problem = this.#parts.configurationProblem();
    return problem === undefined
      ? { status: 'up', detail: 'the newest is in force' }
      : { status: 'degraded', detail: `the last edit is not in force: ${problem}` };
  }
}

/** Readings are not collected (nats) or not shown (realtime): that is not healthy. The rest catches up by itself. */
function overall(parts: Readonly<Record<string, PartHealth>>): Health['status'] {
  if (parts.nats?.status === 'down' || parts.realtime?.status === 'down') return 'unhealthy';
  return Object.values(parts).every((part) => part.status === 'up') ? 'healthy' : 'degraded';
}

function some(list: readonly string[]): string {
  return list.length <= 5 ? list.join(', ') : `${list.slice(0, 5).join(', ')} and ${list.length - 5} more`;
}
