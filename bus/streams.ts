import {
  DiscardPolicy,
  JetStreamApiError,
  PersistMode,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { setTimeout as sleep } from 'node:timers/promises';
import { StatewattError } from '../errors/error.js';
import { subjects } from './subjects.js';

export const STREAM = {
  commands: 'COMMANDS',
  timers: 'TIMERS',
  journal: 'JOURNAL',
  snapshots: 'SNAPSHOTS',
  deadLetters: 'DEADLETTERS',
  frames: 'FRAMES',
  audit: 'AUDIT',
  configurations: 'CONFIGURATIONS',
} as const;

/** How much the stream of frames may hold. */
export interface StreamLimits {
  /** Bytes that FRAMES may hold; the oldest go first, and history says so if it had not read them. */
  framesMaxBytes: number;
  framesMaxAgeMs: number;
  /**
   * FRAMES is acknowledged before it is written: quicker where the server waits for its disk, and a kill of the server
   * may cost the newest frames. For a single server only, and for good: a stream keeps what it was made with.
   */
  framesRelaxed: boolean;
}

export const DEFAULT_LIMITS: StreamLimits = {
  framesMaxBytes: 8 * 1024 ** 3,
  framesMaxAgeMs: 72 * 3_600_000,
  framesRelaxed: false,
};

const MINUTE = nanos(60_000);
const DAY = nanos(86_400_000);
/** More than a year: so a yearly audit finds all of the year before it. */
const AUDIT_DAYS = 400;

type Definition = Partial<StreamConfig> & { name: string; subjects: string[] };

/** What each stream is, for a cluster of `replicas` servers. */
export function streamDefinitions(replicas: number, limits: StreamLimits): Definition[] {
  const base = { storage: StorageType.File, num_replicas: replicas, allow_direct: true } as const;
  return [
    {
      ...base,
      name: STREAM.commands,
      description: 'Commands to actors, until their actor has taken them',
      subjects: ['cmd.*.*.*'],
      retention: RetentionPolicy.Workqueue,
      // A full queue refuses the newest: the caller hears `busy` and nothing that was taken is dropped.
      discard: DiscardPolicy.New,
      max_msgs: 1_000_000,
      max_bytes: 1024 ** 3,
      max_msg_size: 1024 ** 2,
      allow_atomic: true,
      duplicate_window: 2 * MINUTE,
    },
    {
      ...base,
      name: STREAM.timers,
      description: 'Timers of actors: scheduled messages, and those that fire until their actor has taken them',
      subjects: ['timer.*.*.*.*', 'due.*.*.*'],
      retention: RetentionPolicy.Workqueue,
      allow_msg_schedules: true,
      // The server has no schedules in a stream that discards the newest. Without a limit nothing is ever discarded.
      discard: DiscardPolicy.Old,
      duplicate_window: 2 * MINUTE,
    },
    {
      ...base,
      name: STREAM.journal,
      description: 'Accepted events of every actor, with their effects',
      subjects: ['evt.*.*.*'],
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.New,
      max_bytes: 64 * 1024 ** 3,
      deny_delete: true,
      allow_atomic: true,
      duplicate_window: 2 * MINUTE,
    },
    {
      ...base,
      name: STREAM.snapshots,
      description: 'The newest snapshot of each actor',
      subjects: ['snap.*.*'],
      retention: RetentionPolicy.Limits,
      max_msgs_per_subject: 1,
      duplicate_window: 2 * MINUTE,
    },
    {
      ...base,
      name: STREAM.deadLetters,
      description: 'Events that their actor could not process',
      subjects: ['dead.*.*'],
      retention: RetentionPolicy.Limits,
      max_bytes: 1024 ** 3,
      discard: DiscardPolicy.New,
      duplicate_window: 2 * MINUTE,
    },
    {
      ...base,
      name: STREAM.frames,
      description: 'Readings of every channel, one message a cycle',
      subjects: ['frame.*.*'],
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.Old,
      max_bytes: limits.framesMaxBytes,
      max_age: nanos(limits.framesMaxAgeMs),
      // A stream has either.
      ...(limits.framesRelaxed && replicas === 1 ? { persist_mode: PersistMode.Async } : { allow_atomic: true }),
      duplicate_window: 2 * MINUTE,
    },
    {
      ...base,
      name: STREAM.audit,
      description: 'Who asked for what, and whether it was allowed',
      subjects: [subjects.audit],
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.Old,
      deny_delete: true,
      max_bytes: 4 * 1024 ** 3,
      max_age: AUDIT_DAYS * DAY,
      duplicate_window: 2 * MINUTE,
    },
    {
      ...base,
      name: STREAM.configurations,
      description: 'The files of each configuration of the site that is in its journal, by hash',
      subjects: [subjects.configuration('*', '*')],
      retention: RetentionPolicy.Limits,
      // A configuration that there is no room for is in the journal without its files.
      discard: DiscardPolicy.New,
      max_msgs_per_subject: 1,
      max_bytes: 1024 ** 3,
      duplicate_window: 2 * MINUTE,
    },
  ];
}

/** How often a stream is tried to be made that there seems to be no room for, and how long between. */
const ATTEMPTS = 10;
const AGAIN_MS = 200;

/**
 * Creates the streams that are missing and updates those that differ. Safe to call from every node at once.
 *
 * @throws `bus.no_room` when the server may not keep as much as the streams may come to
 */
export async function ensureStreams(
  manager: JetStreamManager,
  replicas: number,
  limits = DEFAULT_LIMITS,
): Promise<void> {
  const frames = await findStream(manager, STREAM.frames);
  // The server does not change how a stream is written.
  const framesRelaxed = frames === undefined ? limits.framesRelaxed : isRelaxed(frames);
  const definitions = streamDefinitions(replicas, { ...limits, framesRelaxed });
  for (const definition of definitions) {
    const existing = await findStream(manager, definition.name);
    if (existing === undefined) {
      await addStream(manager, definition, definitions);
      continue;
    }
    // Never fewer copies than there are: a cluster shows fewer servers while one of them is down.
    const wanted = { ...definition, num_replicas: Math.max(replicas, existing.num_replicas) };
    if (differs(wanted, existing)) await manager.streams.update(definition.name, wanted);
  }
}

async function addStream(manager: JetStreamManager, definition: Definition, all: Definition[]): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await manager.streams.add(definition);
      return;
    } catch (error) {
      if (!(error instanceof JetStreamApiError) || !NO_ROOM.has(error.code)) throw error;
      // Another node may be making it, or have made it: the server counts its room anew for each that asks.
      await sleep(AGAIN_MS * (0.5 + Math.random()));
      if ((await findStream(manager, definition.name)) !== undefined) return;
      if (attempt === ATTEMPTS) throw noRoom(definition, all, error);
    }
  }
}

/** nats-server: JSStorageResourcesExceededErr, JSAccountResourcesExceededErr */
const NO_ROOM = new Set([10047, 10002]);

function noRoom({ name, max_bytes: bytes = 0 }: Definition, all: Definition[], cause: Error): StatewattError {
  const gigabytes = (sum: number): string => `${Math.ceil(sum / 1024 ** 3)} GB`;
  const total = all.reduce((sum, each) => sum + Math.max(0, each.max_bytes ?? 0), 0);
  const text =
    `the NATS server has no room for the stream ${name}, which may come to ${gigabytes(bytes)}: ` +
    `let its JetStream keep ${gigabytes(total)} in files (max_file_store), or its account as much; no disk is taken before there is data`;
  return new StatewattError('bus.no_room', 'unavailable', text, { cause });
}

/** Whether a stream's messages are acknowledged before they are written. */
export function isRelaxed(stream: StreamConfig): boolean {
  return stream.persist_mode === PersistMode.Async;
}

async function findStream(manager: JetStreamManager, name: string): Promise<StreamConfig | undefined> {
  for await (const info of manager.streams.list()) {
    if (info.config.name === name) return info.config;
  }
  return undefined;
}

function differs(wanted: Definition, found: StreamConfig): boolean {
  return Object.entries(wanted).some(
    ([key, value]) => JSON.stringify(value) !== JSON.stringify(found[key as keyof StreamConfig]),
  );
}
