import Type from 'typebox';
import { notifierMachine } from '../machines/notifier.js';
import type { NotificationMessage } from '../site/notifications/message.js';
import { NotifierWorker, type NotifierParts } from './notifier/worker.js';
import { defineKind } from './runtime/kind.js';
import { durable, type DurableRun } from './runtime/outbox/effect.js';
import { ref, type ActorRef } from './runtime/system.js';

/** Sends a message to the target of the notifier that runs it; run until it has succeeded or is parked. */
export type Deliver = (run: DurableRun<NotificationMessage>) => Promise<void>;

/** About four minutes of tries; a mail server may take its time. */
const DELIVERY = { attempts: 10, backoffMs: { initial: 1_000, max: 60_000 }, timeoutMs: 30_000 } as const;
const JOURNAL_DAYS = 90;

/**
 * The kind `notifier`: tells one target of alarms, always on. It follows the journal of the alarms on the node that owns
 * its partition, and keeps in its own journal how far it has come, so each change is told once; messages are durable
 * effects.
 */
export function createNotifierKind(parts: NotifierParts, deliver: Deliver) {
  return defineKind({
    kind: 'notifier',
    version: 1,
    machine: notifierMachine,
    commands: (command) => ({ forget: command(Type.Object({})) }),
    resource: (host) => new NotifierWorker(host, parts),
    effects: {
      deliver: durable(deliver, DELIVERY),
      follow: ({ resource, params }) => resource.follow(params.position),
      rest: ({ resource }) => resource.rest(),
    },
    policy: { alwaysOn: true, snapshotEvery: 50, journalDays: JOURNAL_DAYS },
  });
}

export type NotifierKind = ReturnType<typeof createNotifierKind>;

/** The actor of a target. @throws `actors.invalid_ref` */
export function notifierRef(kind: NotifierKind, id: string): ActorRef<NotifierKind> {
  return ref(kind, id);
}
