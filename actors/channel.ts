import Type from 'typebox';
import { StatewattError } from '../errors/error.js';
import type { PointKind } from '../site/points.js';
import { channelMachine, findWrite, MAX_PENDING_WRITES, type ChannelContext } from '../machines/channel.js';
import { ChannelWorker, type ChannelParts } from './channel/worker.js';
import { defineKind, PENDING, type Turn } from './runtime/kind.js';
import { ref, type ActorRef } from './runtime/system.js';

const WriteCommand = Type.Object({
  /** Names the write for ever; the command's own id. */
  writeId: Type.String({ minLength: 1, maxLength: 128 }),
  kind: Type.Unsafe<'C' | 'A'>({ type: 'string', enum: ['C', 'A'] }),
  id: Type.Integer({ minimum: 1 }),
  value: Type.Union([Type.Number(), Type.String()]),
});

const HoldCommand = Type.Object({
  kind: Type.Unsafe<PointKind>({ type: 'string', enum: ['T', 'S', 'C', 'A'] }),
  id: Type.Integer({ minimum: 1 }),
  value: Type.Number(),
});

const Configuration = Type.Object({ revision: Type.String({ minLength: 1 }), enabled: Type.Boolean() });

/**
 * The kind `channel`: one device channel, id = the channel's number. Always on: it lives on the node that owns its
 * partition, with its link and its polling (see ChannelWorker) as the live part.
 */
export function createChannelKind(parts: ChannelParts) {
  const toState = Type.Object({});
  return defineKind({
    kind: 'channel',
    version: 2,
    migrate: { 1: (state) => ({ ...state, context: { ...state.context, held: {} } }) },
    machine: channelMachine,
    commands: (command) => ({
      start: command(toState, stateOf),
      stop: command(toState, stateOf),
      pause: command(toState, stateOf),
      resume: command(toState, stateOf),
      reset: command(toState, stateOf),
      restart: command(toState, stateOf),
      /** Of a point of a virtual channel that nothing feeds: it reads so from now on. Answered when it is durable. */
      hold: command(HoldCommand, stateOf),
      configure: command(Configuration, stateOf),
      write: command(WriteCommand, answerWrite),
    }),
    resource: (host) => new ChannelWorker(Number(host.ref.id), host, parts),
    effects: {
      openLink: ({ resource, params }) => resource.open(params.held),
      holdPoint: ({ resource, params }) => resource.hold(params),
      closeLink: ({ resource }) => resource.shut(),
      useConfiguration: ({ resource }) => resource.useConfiguration(),
      writePoint: ({ resource, params }) => resource.write(params),
    },
    policy: { alwaysOn: true, snapshotEvery: 50, mailboxCapacity: 200 },
  });
}

export type ChannelKind = ReturnType<typeof createChannelKind>;

/** The actor of a channel. */
export function channelRef(kind: ChannelKind, channel: number): ActorRef<ChannelKind> {
  return ref(kind, String(channel));
}

type ChannelTurn<C> = Turn<typeof channelMachine, C>;

function stateOf({ snapshot }: ChannelTurn<unknown>): string {
  return snapshot.value;
}

function answerWrite({ command, snapshot, changed }: ChannelTurn<{ writeId: string }>) {
  const context: ChannelContext = snapshot.context;
  const write = findWrite(context, command.writeId);
  switch (write?.status) {
    case 'pending':
      return PENDING;
    case 'done':
      return write.result;
    case 'failed':
      throw StatewattError.fromJSON(write.error);
    case 'interrupted':
      throw new StatewattError(
        'channel.write_interrupted',
        'unavailable',
        'the node went away before the device’s answer was known; read the point to see whether it was written',
      );
    case undefined:
      throw changed ? forgotten(command.writeId) : notWritable(snapshot.value, context);
  }
}

function forgotten(writeId: string): StatewattError {
  return new StatewattError(
    'channel.write_forgotten',
    'conflict',
    `the write ${writeId} was accepted long ago; its answer is no longer kept`,
  );
}

function notWritable(state: string, { lastError }: ChannelContext): StatewattError {
  if (state === 'online') {
    return new StatewattError('channel.busy', 'busy', `${MAX_PENDING_WRITES} writes wait for the device; try later`, {
      retryAfterMs: 500,
    });
  }
  const why = lastError === null ? '' : `; its last error: ${lastError.error.message}`;
  return new StatewattError(
    'channel.not_online',
    'conflict',
    `the channel is ${state}, a write needs it online${why}`,
    { details: { state } },
  );
}
