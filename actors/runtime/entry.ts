import { randomUUID } from 'node:crypto';
import type { EventBody, JournalEntry } from '../../bus/messages.js';
import { formatRef, type Ref } from '../../bus/subjects.js';
import type { Delivery } from './delivery.js';
import type { Kind } from './kind.js';
import type { Step } from './state.js';

export interface Accepted {
  readonly kind: Kind;
  readonly node: string;
  /** Under which the node has the actor; 0 where actors are not shared. */
  readonly ownership: number;
  readonly ref: Ref;
  readonly step: Step;
  readonly event: EventBody;
  /** undefined for an event of the actor's own. */
  readonly delivery: Delivery | undefined;
  /** Sequence of the actor's entry before; 0 for the first. */
  readonly previous: number;
  /** Of the entry's own span: no two entries have the same. */
  readonly traceparent: string;
}

/** An accepted event as it goes into the journal, and the id that lets the journal take it only once. */
export function journalEntry(accepted: Accepted): {
  readonly entry: JournalEntry;
  readonly entryId: string;
} {
  const { kind, node, ownership, ref, step, event, delivery, previous, traceparent } = accepted;
  const timer = delivery?.timer;
  const commandId = timer === undefined ? delivery?.commandId : undefined;
  const entry: JournalEntry = {
    event,
    effects: step.effects,
    at: step.at,
    machine: kind.version,
    previous,
    traceparent,
    node,
    ...(ownership === 0 ? {} : { ownership }),
    ...(commandId === undefined ? {} : { commandId }),
    ...(timer === undefined ? {} : { timer }),
    ...(delivery?.correlationId === undefined ? {} : { correlationId: delivery.correlationId }),
  };
  // A caller may call its commands what it likes: no id of theirs looks like that of a timer.
  const entryId = timer === undefined ? `${formatRef(ref)}:${commandId ?? randomUUID()}` : `${formatRef(ref)}@${timer}`;
  return { entry, entryId };
}
