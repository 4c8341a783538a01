/** What a program that uses Statewatt as a library imports: `import { createSystem, defineKind } from 'statewatt'`. */
export { connectBus, type Bus, type BusOptions, type BusStatus } from '../bus/connection.js';
export { startEmbeddedServer, type EmbeddedServer, type EmbeddedServerOptions } from '../bus/server.js';
export type { DeadEffect, DeadLetter, EffectRecord, EventBody, JournalEntry } from '../bus/messages.js';
export type { StreamLimits } from '../bus/streams.js';
export { formatRef, parseRef, partitionOf, PARTITIONS, type Ref } from '../bus/subjects.js';
export { StatewattError, type ErrorBody, type ErrorCategory, type ErrorOptions } from '../errors/error.js';
export type { Histogram } from '../telemetry/histogram.js';
export type { TransitionRecord } from './runtime/activation.js';
export { DEFAULT_DEADLINE_MS, type AskOptions, type CallerCounters } from './runtime/caller.js';
export type { DeadLetters, LetterDecision, LetterFilter, StoredLetter } from './runtime/dead-letters.js';
export type { Evolution, PersistedState } from './runtime/evolution.js';
export type { ActorFacts, ActorInside, ActorState, HostCounters, HostEvent } from './runtime/host.js';
export {
  DEFAULT_POLICY,
  defineKind,
  PENDING,
  type CommandBuilder,
  type CommandDefinition,
  type CommandOf,
  type EffectRun,
  type Effects,
  type EventOf,
  type Host,
  type Kind,
  type KindDefinition,
  type Policy,
  type ReplyOf,
  type Resource,
  type RestartPolicy,
  type Turn,
} from './runtime/kind.js';
export {
  DEFAULT_EFFECT_POLICY,
  durable,
  EffectRefused,
  type DurableEffect,
  type DurableRun,
  type EffectPolicy,
} from './runtime/outbox/effect.js';
export { mintSink, type MintSinkOptions } from './sinks/chain.js';
export { clickhouseSink, type ClickHouseSinkOptions } from './sinks/clickhouse.js';
export { httpSink, type HttpSinkOptions } from './sinks/http.js';
export { mailSink, type Mail, type MailSinkOptions, type MailTransport } from './sinks/mail.js';
export { natsSink, type NatsSinkOptions } from './sinks/nats.js';
export {
  redisSink,
  type RedisClient,
  type RedisFields,
  type RedisSinkOptions,
  type RedisWrite,
} from './sinks/redis.js';
export { tellSink, type TellSinkOptions } from './sinks/tell.js';
export type { OutboxCounters } from './runtime/outbox/runner.js';
export type { Member } from './runtime/placement/membership.js';
export type { TakeoverFacts } from './runtime/partitions.js';
export type { NodeFacts } from './runtime/placement/nodes.js';
export type { RuntimeTimes, SystemTimes } from './runtime/runtime-times.js';
export { childActions } from './runtime/supervision/effects.js';
export type { ChildFailed, ChildStart } from './runtime/supervision/family.js';
export { DEFAULT_SUPERVISION, type Strategy, type Supervision } from './runtime/supervision/policy.js';
export type { Budget, SupervisorView } from './runtime/supervision/view.js';
export { ActorSystem, createSystem, ref, type ActorRef, type SystemOptions } from './runtime/system.js';
export type { TimerCounters } from './runtime/timers/orders.js';
export type { TimerFacts } from './runtime/timers/pending.js';
