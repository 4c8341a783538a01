import Type from 'typebox';
import { StatewattError } from '../errors/error.js';
import { forwarderMachine } from '../machines/forwarder.js';
import { ForwardWorker, type ForwarderParts } from './forwarder/worker.js';
import { defineKind, type Turn } from './runtime/kind.js';
import { ref, type ActorRef } from './runtime/system.js';

const Configuration = Type.Object({ revision: Type.String({ minLength: 1 }), enabled: Type.Boolean() });

/**
 * The kind `forwarder`: one target outside, id = the target's. Always on: it sends from the node that owns its
 * partition. Its position in the stream of frames goes with it, and is fenced: whoever takes over goes on where the one
 * before it was, and that one sends no further batch.
 */
export function createForwarderKind(parts: ForwarderParts) {
  const plain = Type.Object({});
  return defineKind({
    kind: 'forwarder',
    version: 1,
    machine: forwarderMachine,
    commands: (command) => ({
      configure: command(Configuration, stateOf),
      pause: command(plain, answer('paused')),
      resume: command(plain, answer('connecting', 'online', 'backingOff')),
      skip: command(plain, answerSkip),
    }),
    resource: (host) => new ForwardWorker(host.ref.id, host, parts),
    effects: {
      open: ({ resource }) => resource.open(),
      close: ({ resource }) => resource.shut(),
      leaveOut: ({ resource, params }) => resource.leaveOut(params.token),
    },
    policy: { alwaysOn: true, snapshotEvery: 50, mailboxCapacity: 200, passivateAfterMs: undefined },
  });
}

export type ForwarderKind = ReturnType<typeof createForwarderKind>;

/** The actor of a target. @throws `actors.invalid_ref` */
export function forwarderRef(kind: ForwarderKind, id: string): ActorRef<ForwarderKind> {
  return ref(kind, id);
}

type ForwarderTurn = Turn<typeof forwarderMachine, unknown>;

function stateOf({ snapshot }: ForwarderTurn): string {
  return snapshot.value;
}

/** The state; an error when the command was not for the one that it is in. */
function answer(...wanted: readonly string[]) {
  return (turn: ForwarderTurn): string => {
    const state = stateOf(turn);
    if (turn.changed || wanted.includes(state)) return state;
    throw notNow(`the forwarder is ${state}`, state);
  };
}

function answerSkip(turn: ForwarderTurn): string {
  const state = stateOf(turn);
  if (turn.changed) return state;
  throw notNow(`the forwarder is ${state}, and its target has refused no batch that could be left out`, state);
}

function notNow(text: string, state: string): StatewattError {
  return new StatewattError('forward.state', 'conflict', text, { details: { state } });
}
