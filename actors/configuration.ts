import Type from 'typebox';
import type { Bus } from '../bus/connection.js';
import { StatewattError } from '../errors/error.js';
import {
  configurationMachine,
  entryInForce,
  entryOf,
  type ConfigurationEntry,
  type ConfigurationContext,
  type ForgetParams,
} from '../machines/configuration.js';
import { CONFIGURATION_CAUSES, type ConfigurationCause } from '../site/config/versions/cause.js';
import { forgetConfiguration } from './configuration/texts.js';
import { defineKind } from './runtime/kind.js';
import { durable } from './runtime/outbox/effect.js';
import { ref, type ActorRef } from './runtime/system.js';

const count = Type.Integer({ minimum: 0 });
const Configuration = Type.Object({
  cause: Type.Unsafe<ConfigurationCause>({ type: 'string', enum: [...CONFIGURATION_CAUSES] }),
  by: Type.String({ minLength: 1, maxLength: 128 }),
  node: Type.String(),
  hash: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  files: count,
  bytes: count,
  pieces: count,
  secrets: count,
  summary: Type.String({ maxLength: 1_000 }),
});
const number = Type.Integer({ minimum: 1 });

/**
 * The kind `configuration`: one actor, `configuration/site`, that knows which configurations the site had, which one is
 * in force, and which is being put back. The texts lie in a stream of their own, by hash.
 */
export function createConfigurationKind(bus: Bus) {
  return defineKind({
    kind: 'configuration',
    version: 1,
    machine: configurationMachine,
    commands: (command) => ({
      /** Answers the entry: the new one, or that which is in force with the same files. */
      record: command(
        Type.Object({ configuration: Configuration, keep: Type.Integer({ minimum: 2, maximum: 1_000 }) }),
        ({ snapshot, command: { configuration } }) => newest(snapshot.context, configuration.cause),
      ),
      rollBack: command(Type.Object({ number, by: Type.String({ minLength: 1, maxLength: 128 }) }), (turn) => {
        const entry = entryOf(turn.snapshot.context, turn.command.number);
        if (entry === undefined) throw noConfiguration(turn.command.number);
        if (!turn.changed) throw underWay();
        return entry;
      }),
      rollbackFailed: command(Type.Object({ number })),
    }),
    effects: {
      forget: durable<ForgetParams>(({ params }) => forgetConfiguration(bus, params.hashes)),
    },
    policy: { snapshotEvery: 20, mailboxCapacity: 200 },
  });
}

export type ConfigurationKind = ReturnType<typeof createConfigurationKind>;

/** The one actor of the kind. */
export function configurationRef(kind: ConfigurationKind): ActorRef<ConfigurationKind> {
  return ref(kind, 'site');
}

function newest(context: ConfigurationContext, cause: ConfigurationCause): ConfigurationEntry {
  return (cause === 'kept' ? context.entries.at(-1) : entryInForce(context)) as ConfigurationEntry;
}

/** There is no such entry, or it is not kept any more. */
export function noConfiguration(number: number): StatewattError {
  return new StatewattError('config.not_found', 'not_found', `there is no configuration ${number} in the journal`);
}

function underWay(): StatewattError {
  const text = 'an earlier configuration is just being put back; try again when that is done';
  return new StatewattError('config.being_written', 'busy', text, { retryAfterMs: 1_000 });
}
