import { StatewattError, errorMessage } from '../../errors/error.js';
import type { AnswerBody, EventBody } from '../../bus/messages.js';
import { formatRef, type Ref } from '../../bus/subjects.js';
import type { ErasedCommand, Kind } from './kind.js';

/** An event that makes the machine throw. It is parked, and the actor goes on without it. Code `actors.poison`. */
export class PoisonError extends StatewattError {
  constructor(ref: Ref, event: EventBody, cause: unknown) {
    super('actors.poison', 'invalid', `${formatRef(ref)} cannot process "${event.type}": ${errorMessage(cause)}`, {
      cause,
    });
  }
}

export function refusal(error: StatewattError): AnswerBody {
  return { ok: false, error: error.toJSON() };
}

export function stopped(ref: Ref): StatewattError {
  return new StatewattError('actors.stopped', 'unavailable', `${formatRef(ref)} is stopping here; ask again`, {
    retryAfterMs: 500,
  });
}

export function endedForGood(ref: Ref): StatewattError {
  return new StatewattError(
    'actors.ended',
    'conflict',
    `${formatRef(ref)} was stopped for good by its parent; it takes commands again when it is spawned again`,
  );
}

export function notBegun(ref: Ref): StatewattError {
  return new StatewattError(
    'actors.deadline',
    'timeout',
    `${formatRef(ref)} did not get to the command before its deadline; it was not done`,
  );
}

export function answerLater(ref: Ref, waiting: number): StatewattError {
  return new StatewattError(
    'actors.answer_later',
    'busy',
    `${formatRef(ref)} accepted the command, but ${waiting} answers are awaited of it already; ask again with the same command id`,
    { retryAfterMs: 1_000 },
  );
}

export function invalidCommand(kind: Kind, event: EventBody, command: ErasedCommand | undefined): StatewattError {
  if (command === undefined) {
    const known = Object.keys(kind.commands).join(', ');
    return new StatewattError(
      'actors.unknown_command',
      'invalid',
      `kind "${kind.kind}" has no command "${event.type}"; it has: ${known}`,
    );
  }
  const problems = (command.validate.errors ?? []).map(
    (error) => `${error.instancePath || 'the command'} ${error.message ?? 'is wrong'}`,
  );
  return new StatewattError(
    'actors.invalid_command',
    'invalid',
    `"${event.type}" of kind "${kind.kind}": ${problems.join('; ')}`,
  );
}

export function unknownKind(kind: string, known: readonly string[]): StatewattError {
  return new StatewattError('actors.unknown_kind', 'invalid', `no kind "${kind}" here; there is: ${known.join(', ')}`);
}

export function reservedEvent(ref: Ref, type: string): StatewattError {
  return new StatewattError(
    'actors.reserved_event',
    'invalid',
    `${formatRef(ref)}: "${type}" is an event of the runtime’s own`,
  );
}

export function notActive(ref: Ref): StatewattError {
  return new StatewattError('actors.not_found', 'not_found', `${formatRef(ref)} is not active on this node`);
}

export function busy(ref: Ref, capacity: number): StatewattError {
  return new StatewattError('actors.busy', 'busy', `${formatRef(ref)} has ${capacity} commands waiting; try later`, {
    retryAfterMs: 1_000,
  });
}

/** Others that were sent before it found no room, and go first when they come again. */
export function behindOthers(ref: Ref): StatewattError {
  const text = `${formatRef(ref)} has commands that found no room and come again before this one; try later`;
  return new StatewattError('actors.busy', 'busy', text, { retryAfterMs: 1_000 });
}

export function parked(ref: Ref, reason: string | null): StatewattError {
  return new StatewattError(
    'actors.failed',
    'unavailable',
    `${formatRef(ref)} crashed too often and is parked until it is restarted; its last error: ${reason ?? 'unknown'}`,
  );
}
