import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { ForwarderView } from '../actors/client/forwarding.js';
import type { ChannelView } from '../actors/client/schemas.js';
import type { PollTurns } from '../actors/channel/poll-turns.js';
import type { FramePublisher } from '../actors/frames/publisher.js';
import type { HistoryWriter } from './history-writer.js';
import type { RealtimeProjection } from '../actors/projections/realtime.js';
import type { ActorSystem } from '../actors/runtime/system.js';
import { addForwarderMetrics } from './forwarding-metrics.js';
import type { HttpCounters } from '../facade/http/counters.js';
import { histogramText } from './histogram-text.js';
import { patient } from './patient.js';
import { addWorkerMetrics, type WorkParts } from './worker-metrics.js';

/** A scrape does not wait longer for what is counted elsewhere. */
const ANSWER_MS = 2_000;

export interface MetricsParts extends WorkParts {
  readonly system: ActorSystem;
  readonly publisher: FramePublisher;
  readonly realtimeProjection: RealtimeProjection;
  readonly historyWriter: HistoryWriter;
  readonly http: HttpCounters;
  readonly polls: Pick<PollTurns, 'waiting'>;
  channels(): Promise<ChannelView[]>;
  forwarders(): ForwarderView[];
}

/** Everything a node counts, as Prometheus' text format. The figures are read when they are asked for. */
export function createMetrics(parts: MetricsParts): () => Promise<string> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];

  /** A counter that is kept elsewhere. */
  const total = (name: string, help: string, read: () => number): void => {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  };
  const level = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  };

  const { system, publisher, realtimeProjection, historyWriter } = parts;
  level('statewatt_actors', 'Actors that live on this node.', () => system.actors().length);
  level('statewatt_mailbox_commands', 'Commands that wait in mailboxes.', () =>
    system.actors().reduce((sum, actor) => sum + actor.mailbox, 0),
  );
  level('statewatt_mailbox_longest_commands', 'Commands that wait in the longest mailbox.', () =>
    system.actors().reduce((longest, actor) => Math.max(longest, actor.mailbox), 0),
  );
  level('statewatt_partitions', 'Partitions that this node owns.', () => system.owned.size);
  level('statewatt_nodes', 'Nodes that this node knows of, itself among them.', () => system.nodes.length);
  total('statewatt_ask_errors_total', 'Asks refused or not answered in time.', () => system.callerCounters.askErrors);
  total('statewatt_tells_total', 'Commands queued without waiting for an answer.', () => system.callerCounters.tells);
  total('statewatt_tell_errors_total', 'Such that were not queued.', () => system.callerCounters.tellErrors);
  total('statewatt_commands_total', 'Commands taken from the queue.', () => system.counters.commands);
  total('statewatt_commands_refused_total', 'Commands answered busy.', () => system.counters.refusedBusy);
  total('statewatt_commands_failed_total', 'Commands to parked actors.', () => system.counters.refusedFailed);
  total('statewatt_actor_restarts_total', 'Actors restarted after a crash.', () => system.counters.restarts);
  total('statewatt_actor_failures_total', 'Actors parked after too many crashes.', () => system.counters.failures);
  total('statewatt_effects_run_total', 'Durable effects carried out.', () => system.outboxCounters.effectsRun);
  total('statewatt_effects_retried_total', 'Durable effects tried again.', () => system.outboxCounters.effectsRetried);
  total('statewatt_effects_parked_total', 'Durable effects given up.', () => system.outboxCounters.effectsParked);
  level('statewatt_dead_letters', 'Dead letters of all nodes; NaN while unknown.', () => deadLetters);
  total('statewatt_actors_activated_total', 'Activations begun.', () => system.counters.activated);
  total('statewatt_actors_passivated_total', 'Idle actors that left memory.', () => system.counters.passivated);
  total('statewatt_timers_set_total', 'Timers set by actors.', () => system.counters.timersSet);
  total('statewatt_timers_fired_total', 'Timers that fired and were taken.', () => system.counters.timersFired);
  total(
    'statewatt_timers_cancelled_total',
    'Timers taken back before they fired.',
    () => system.counters.timersCancelled,
  );
  total('statewatt_frames_published_total', 'Frames acknowledged by the stream.', () => publisher.counters.published);
  total('statewatt_frames_spooled_total', 'Frames kept on disk.', () => publisher.counters.spooled);
  total('statewatt_frames_replayed_total', 'Frames from disk to the stream.', () => publisher.counters.replayed);
  total('statewatt_frames_refused_total', 'Frames lost: the spool was full.', () => publisher.counters.refused);
  total('statewatt_frames_superseded_total', 'Frames of stale activations.', () => publisher.counters.superseded);
  total(
    'statewatt_spool_damaged_bytes_total',
    'Bytes that a crash left unreadable.',
    () => publisher.counters.damagedBytes,
  );
  level('statewatt_spool_bytes', 'Bytes of frames on disk.', () => publisher.spoolBytes);
  total(
    'statewatt_realtime_points_total',
    'Points applied to the realtime store.',
    () => realtimeProjection.counters.points,
  );
  total('statewatt_history_points_total', 'Points written into history.', () => historyWriter.counters.points);
  total(
    'statewatt_history_left_out_points_total',
    'Points that are not to be stored.',
    () => historyWriter.counters.leftOut,
  );
  total('statewatt_history_batches_total', 'Inserts into history.', () => historyWriter.counters.batches);
  total(
    'statewatt_history_insert_seconds_total',
    'Time spent in inserts.',
    () => historyWriter.counters.insertMs / 1_000,
  );
  total('statewatt_history_lost_frames_total', 'Frames that never reached history.', () => historyWriter.counters.lost);
  level('statewatt_polls_waiting', 'Polls that are due and wait for their turn.', () => parts.polls.waiting);
  total('statewatt_http_rate_limited_total', 'Requests beyond their caller’s rate.', () => parts.http.rateLimited);
  total('statewatt_http_unauthenticated_total', 'Requests without good credentials.', () => parts.http.unauthenticated);
  total('statewatt_http_forbidden_total', 'Requests whose caller may not.', () => parts.http.forbidden);
  total('statewatt_http_failed_sign_ins_total', 'Sign-ins that failed.', () => parts.http.failedSignIns);
  const askDeadLetters = patient(ANSWER_MS, () => system.deadLetters.count());
  // All metrics of one answer tell of the same moment.
  let views: readonly ChannelView[] = [];
  let deadLetters = NaN;
  addChannelMetrics(registers, () => views);
  addWorkerMetrics(registers, parts, total, level);
  addForwarderMetrics(registers, () => parts.forwarders());
  return async () => {
    [views, deadLetters] = await Promise.all([parts.channels(), askDeadLetters().catch(() => NaN)]);
    return `${await registry.metrics()}${systemTimes(system)}`;
  };
}

function systemTimes({ times }: ActorSystem): string {
  return [
    histogramText('statewatt_ask_seconds', 'From an ask of this node to its answer.', times.asks),
    histogramText('statewatt_mailbox_wait_seconds', 'A command in its actor’s mailbox.', times.mailbox),
    histogramText('statewatt_command_seconds', 'A command from the mailbox to its end.', times.commands),
    histogramText('statewatt_journal_append_seconds', 'The append of a journal entry.', times.appends),
    histogramText('statewatt_effect_seconds', 'An effect of an activation.', times.effects),
    histogramText('statewatt_durable_effect_seconds', 'A run of a durable effect.', times.durableEffects),
    histogramText('statewatt_takeover_seconds', 'Until partitions that came are at work.', times.takeovers),
  ].join('');
}

function addChannelMetrics(registers: Registry[], channels: () => readonly ChannelView[]): void {
  const labelNames = ['channel', 'name'] as const;
  const labels = (view: ChannelView) => ({ channel: String(view.id), name: view.name });
  /** Counted from the activation of the channel on; Prometheus knows that a counter may begin again. */
  const total = (name: string, help: string, read: (view: ChannelView) => number): void => {
    new Counter({
      name,
      help,
      registers,
      labelNames,
      collect() {
        this.reset();
        for (const view of channels()) this.inc(labels(view), read(view));
      },
    });
  };
  new Gauge({
    name: 'statewatt_channel_state',
    help: '1 for the state that the channel is in.',
    registers,
    labelNames: ['channel', 'name', 'state'],
    collect() {
      this.reset();
      for (const view of channels()) this.set({ ...labels(view), state: view.state }, 1);
    },
  });
  new Gauge({
    name: 'statewatt_channel_round_trip_p99_seconds',
    help: '99th percentile of the last round trips.',
    registers,
    labelNames,
    collect() {
      this.reset();
      for (const view of channels()) this.set(labels(view), view.stats.roundTripMs.p99 / 1_000);
    },
  });
  total('statewatt_channel_reads_total', 'Requests answered with data.', (view) => view.stats.totalReads);
  total('statewatt_channel_read_errors_total', 'Requests that failed.', (view) => view.stats.readErrors);
  total(
    'statewatt_channel_connection_errors_total',
    'Links lost or not opened.',
    (view) => view.stats.connectionErrors,
  );
  total(
    'statewatt_channel_missed_cycles_total',
    'Cycles that could not start in time.',
    (view) => view.stats.missedCycles,
  );
  total(
    'statewatt_channel_dropped_values_total',
    'Values that came by themselves, and were given up as too many waited.',
    (view) => view.stats.droppedValues,
  );
}
