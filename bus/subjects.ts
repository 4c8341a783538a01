import { StatewattError } from '../errors/error.js';

/** Hash buckets of refs; the unit of placement. Fixed for the life of a data folder. */
export const PARTITIONS = 32;

/** The address of an actor: `kind/id`, the same from any node. */
export interface Ref {
  readonly kind: string;
  readonly id: string;
}

const KIND = /^[a-z][a-z0-9-]{0,63}$/;
const ID = /^[A-Za-z0-9_-]{1,128}$/;

/** @throws `actors.invalid_ref` */
export function makeRef(kind: string, id: string): Ref {
  if (!KIND.test(kind) || !ID.test(id)) {
    throw new StatewattError(
      'actors.invalid_ref',
      'invalid',
      `"${kind}/${id}" is no actor reference: a kind is a lower-case word (a-z, 0-9, -), an id 1 to 128 of A-Z a-z 0-9 _ -`,
    );
  }
  return { kind, id };
}

/** Parses `kind/id`. @throws `actors.invalid_ref` */
export function parseRef(text: string): Ref {
  const slash = text.indexOf('/');
  return makeRef(slash < 0 ? text : text.slice(0, slash), slash < 0 ? '' : text.slice(slash + 1));
}

/** The address as text, `kind/id`. */
export function formatRef(ref: Ref): string {
  return `${ref.kind}/${ref.id}`;
}

/** FNV-1a, 32 bit (Fowler, Noll, Vo), over the UTF-16 units of `kind/id`: cheap, and the same on every node. */
export function partitionOf(ref: Ref): number {
  let hash = 0x811c9dc5;
  const text = formatRef(ref);
  for (let index = 0; index < text.length; index++) {
    hash ^= text.charCodeAt(index);
    hash = Math.imul(hash, 0x01000193);
  }
  return (hash >>> 0) % PARTITIONS;
}

/** Every subject of Statewatt is made here and nowhere else. */
export const subjects = {
  command: (ref: Ref) => `cmd.${partitionOf(ref)}.${ref.kind}.${ref.id}`,
  commandsOf: (partition: number) => `cmd.${partition}.>`,
  /** A timer that waits; `key` is that of its record. */
  timer: (ref: Ref, key: string) => `timer.${partitionOf(ref)}.${ref.kind}.${ref.id}.${key}`,
  /** A timer that fires, on its way to its actor. */
  due: (ref: Ref) => `due.${partitionOf(ref)}.${ref.kind}.${ref.id}`,
  dueOf: (partition: number) => `due.${partition}.>`,
  journal: (ref: Ref) => `evt.${partitionOf(ref)}.${ref.kind}.${ref.id}`,
  /** For whoever runs the durable effects of the entries of a partition's actors of a kind. */
  journalOf: (partition: number, kind: string) => `evt.${partition}.${kind}.*`,
  /** For who follows all actors of a kind. */
  journalOfKind: (kind: string) => `evt.*.${kind}.*`,
  snapshot: (ref: Ref) => `snap.${ref.kind}.${ref.id}`,
  /** The snapshots of one kind's actors. */
  snapshotsOf: (kind: string) => `snap.${kind}.*`,
  deadLetter: (ref: Ref) => `dead.${ref.kind}.${ref.id}`,
  deadLettersOf: (kind: string) => `dead.${kind}.*`,
  deadLetters: 'dead.*.*',
  /** Who asked for what. */
  audit: 'audit.http',
  /** A piece of the files of a configuration. */
  configuration: (hash: string, piece: number | '*') => `configuration.${hash}.${piece}`,
  frame: (channel: number) => `frame.${partitionOf({ kind: 'channel', id: String(channel) })}.${channel}`,
  /** A request of the public interface; `actors/client/endpoints.ts` lists them. */
  api: (service: string, endpoint: string) => `statewatt.${service}.${endpoint}`,
  /** Frames of an activation that has been superseded since it read them: their own order, apart from its successor's. */
  lateFrame: (channel: number, epoch: number) => `frame.late.${channel}-${epoch}`,
  /** Live changes of one channel as JSON, while somebody watches. */
  live: (channel: number | '*') => `statewatt.live.${channel}`,
  /** A changed alarm as JSON, while somebody watches; `*` for any. What a source has beside letters, digits, _ and - becomes `_`. */
  liveAlarm: (level: string, source: string) =>
    `statewatt.live.alarms.${level}.${source === '*' ? source : source.replace(/[^A-Za-z0-9_-]/g, '_')}`,
  /** Live changes of one model as JSON, while somebody watches. */
  liveModel: (id: string) => `statewatt.live.models.${id}`,
  /** Told to all nodes when a model is another one, or holds another value, by the node where it lives. */
  modelChanged: (id: string) => `statewatt.nodes.model-changed.${id}`,
  /** What became of a reading of a meter, as JSON; `*` for any. What a meter's id has beside letters, digits, _ and - becomes `_`. */
  liveReading: (event: string, meter: string) =>
    `statewatt.live.readings.${event}.${meter === '*' ? meter : meter.replace(/[^A-Za-z0-9_-]/g, '_')}`,
  /** A question to whoever owns the partition; answered from memory, not journaled. */
  query: (partition: number) => `statewatt.query.${partition}`,
  /** A question that every node answers. */
  nodes: (question: string) => `statewatt.nodes.${question}`,
};

/** Whether a frame's subject says that a newer activation has read the same device meanwhile. */
export function isLateFrame(subject: string): boolean {
  return subject.startsWith('frame.late.');
}

/** The ref that a journal entry's subject names. @throws `actors.invalid_ref` */
export function refOfEntry(subject: string): Ref {
  const [, , kind = '', id = ''] = subject.split('.');
  return makeRef(kind, id);
}

/** The ref that a snapshot's subject names. @throws `actors.invalid_ref` */
export function refOfSnapshot(subject: string): Ref {
  const [, kind = '', id = ''] = subject.split('.');
  return makeRef(kind, id);
}

const COMMAND_SUBJECT = /^(?:cmd|due)\.(\d+)\.([^.]+)\.([^.]+)$/;

/**
 * The ref that the subject of a command, or of a timer that fires, names. Its partition must be the ref's own: otherwise
 * two nodes could own one actor.
 *
 * @throws `actors.invalid_ref`
 */
export function refOfCommand(subject: string): Ref {
  const [, partition, kind = '', id = ''] = COMMAND_SUBJECT.exec(subject) ?? [];
  const ref = makeRef(kind, id);
  if (Number(partition) === partitionOf(ref)) return ref;
  throw new StatewattError(
    'actors.invalid_ref',
    'invalid',
    `commands to ${formatRef(ref)} belong on ${subjects.command(ref)}, not on ${subject}`,
  );
}
