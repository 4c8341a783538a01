import Type from 'typebox';
import { minterMachine } from '../machines/minter.js';
import type { MintBatchRecord } from '../site/minting/batch.js';
import { beginBatch } from './mint/steps.js';
import { MinterWorker, type MinterParts } from './mint/worker.js';
import { defineKind } from './runtime/kind.js';
import { ref, type ActorRef } from './runtime/system.js';

const Batch = Type.Unsafe<MintBatchRecord>({ type: 'object', required: ['id', 'state', 'since', 'readings'] });

/**
 * The kind `minter`: one for the site, always on. It follows the journal of the meters on the node that owns its partition
 * and makes mint batches of the readings that were accepted.
 */
export function createMinterKind(parts: MinterParts) {
  return defineKind({
    kind: 'minter',
    version: 1,
    machine: minterMachine,
    commands: (command) => ({
      /** Mint as readings come, or only when told to; null: as configured. */
      auto: command(
        Type.Object({ enabled: Type.Union([Type.Boolean(), Type.Null()]) }),
        ({ snapshot }) => snapshot.context.auto,
      ),
      /** All that waits, now. */
      mint: command(Type.Object({}), ({ snapshot }) => snapshot.context.wanted),
      reported: command(Type.Object({ batch: Batch })),
    }),
    resource: (host) => new MinterWorker(host, parts),
    effects: {
      begin: beginBatch,
      steer: ({ resource, params }) => resource.steer(params),
    },
    policy: { alwaysOn: true, snapshotEvery: 50, passivateAfterMs: undefined },
  });
}

export type MinterKind = ReturnType<typeof createMinterKind>;

/** The minter of the site. */
export function minterRef(kind: MinterKind): ActorRef<MinterKind> {
  return ref(kind, 'site');
}
