import { writeFile } from 'node:fs/promises';
import { meterIdOf } from '../actors/meter/meter-id.js';
import { MintTeller } from '../actors/mint/events.js';
import { LocalMinting } from '../actors/mint/local-minting.js';
import { reconcile, type ReconcileParts } from '../actors/mint/reconcile.js';
import { SolanaMint } from '../actors/mint/solana.js';
import type { MintSettings } from '../actors/mint/worker.js';
import { createMintBatchKind } from '../actors/mint-batch.js';
import { createMinterKind, minterRef } from '../actors/minter.js';
import type { Kind } from '../actors/runtime/kind.js';
import type { ActorSystem } from '../actors/runtime/system.js';
import type { Bus } from '../bus/connection.js';
import type { Ref } from '../bus/subjects.js';
import { EnvironmentError, maskSecrets, type Environment } from '../site/config/index.js';
import type { Tokenization } from '../site/metering/tokenization.js';
import type { Site } from '../site/model.js';
import { startEmbeddedChain } from '../protocols/solana/embedded/start.js';
import { ensureMint, fundFromFaucet } from '../protocols/solana/mint-account.js';
import { MintClient } from '../protocols/solana/mint-client.js';
import { newAuthority, signerFromEnvironment, signerFromFile, type Signer } from '../protocols/solana/signer.js';
import { MintSigning } from '../workers/mint-signing.js';
import { SignerProcess } from '../protocols/solana/signer-process.js';
import { watchChild } from './child-log.js';
import type { DataFolder } from './data-folder.js';
import type { NodeLog } from './node.js';
import type { Stages } from './stages.js';

/** Lamports that the authority of an own chain is given at each start when it has less: 10,000 SOL that are worth nothing. */
const ALLOWANCE = 10_000_000_000_000n;

export interface MintingParts {
  readonly stages: Stages;
  readonly environment: Environment;
  readonly site: Site;
  readonly folder: DataFolder;
  readonly bus: Bus;
  readonly tokenization: () => Tokenization;
  readonly log: NodeLog;
}

/** What minting adds to a node. */
export interface Minting {
  readonly kinds: readonly Kind[];
  /** The actors that are to live whenever their partition is owned. */
  readonly refs: readonly Ref[];
  /** For further nodes on this machine; undefined: they find it in their own environment, or do not mint. */
  readonly shared: Readonly<Record<string, string>> | undefined;
  /** Who signs; undefined: nothing is minted. */
  readonly signing: MintSigning | undefined;
  /** @param ledger what the ledger says is minted, by batch; undefined: it is behind the journal */
  client(system: ActorSystem, ledger: ReconcileParts['ledger']): LocalMinting;
}

/**
 * Minting on the chain that `SOLANA_RPC_URL` names, otherwise on one of the node's own.
 *
 * @throws EnvironmentError, `signer.*`, `process.start_failed`
 */
export async function startMinting(parts: MintingParts): Promise<Minting> {
  const { stages, environment, folder, bus, tokenization, log } = parts;
  const { solana = {}, solanaRpcUrl } = environment;
  const isOwn = solanaRpcUrl === undefined;
  const ownKey = folder.join('authority.json');
  const signer = await stages.start(
    'minting authority',
    () => openSigner(solana, isOwn ? ownKey : undefined),
    (opened) => opened.close(),
    ({ address }) => address,
  );
  const signing = new MintSigning(signer);
  const url = solanaRpcUrl ?? (await startOwnChain(stages, folder, log));
  const connect = async (): Promise<MintClient> => {
    const { decimals } = tokenization();
    if (isOwn) await fundFromFaucet(url, signer.address, ALLOWANCE);
    const { mint: named } = solana;
    const mint = await ensureMint({
      ...{ url, signer, decimals },
      ...(named === undefined ? { create: isOwn || solana.createMint === true } : { mint: named }),
    });
    log.info(
      { part: 'minting', mint },
      `tokens are minted as ${mint} on ${isOwn ? 'the own chain' : maskSecrets(url)}`,
    );
    return new MintClient({ url, signer, mint, decimals, buildAndSign: (parts) => signing.sign(parts) });
  };
  const chain = new SolanaMint(connect);
  const settings = (): MintSettings => settingsOf(tokenization());
  const minter = createMinterKind({ bus, chain, settings, meterIdOf });
  const teller = new MintTeller(bus, (error) =>
    log.warn({ part: 'minting', error }, 'what became of a batch is not told'),
  );
  const batch = createMintBatchKind(chain, (record) => teller.tell(record));
  return {
    kinds: [minter, batch],
    refs: [minterRef(minter)],
    signing,
    shared: isOwn ? { SOLANA_RPC_URL: url, SOLANA_KEY_FILE: solana.keyFile ?? ownKey } : undefined,
    client: (system, ledger) => {
      teller.use(system);
      const compare = async () => {
        const client = await chain.client();
        const tokenAccount = (wallet: string) => client.tokenAccount(wallet);
        return reconcile({ bus, history: client.history, tokenAccount, ...(ledger === undefined ? {} : { ledger }) });
      };
      return new LocalMinting({ system, minter, batch, settings, reconcile: compare });
    },
  };
}

function settingsOf(settings: Tokenization): MintSettings {
  const { autoMintEnabled, batchSize, pollingIntervalSecs, maxRetryAttempts, initialRetryDelaySecs } = settings;
  return {
    ...{ autoMint: autoMintEnabled, batchSize, pollingIntervalMs: pollingIntervalSecs * 1_000 },
    policy: { maxRetries: maxRetryAttempts, initialDelayMs: initialRetryDelaySecs * 1_000 },
  };
}

async function startOwnChain(stages: Stages, folder: DataFolder, log: NodeLog): Promise<string> {
  const chain = await stages.start(
    'chain',
    () => startEmbeddedChain({ dataFolder: folder.join('chain'), ...watchChild(log, 'chain') }),
    (started) => started.stop(),
    () => 'LiteSVM',
  );
  return chain.url;
}

/** @param ownFile where the key of an own chain is kept, made when it is missing; undefined: the chain is somebody else's */
async function openSigner(
  { keyFile, hasKey, signer }: NonNullable<Environment['solana']>,
  ownFile: string | undefined,
): Promise<Signer> {
  if (signer !== undefined) {
    const [command = '', ...args] = signer.split(/\s+/);
    return SignerProcess.start({ command, args });
  }
  if (keyFile !== undefined) return signerFromFile(keyFile);
  if (hasKey === true) return signerFromEnvironment('SOLANA_KEY');
  if (ownFile === undefined) {
    throw new EnvironmentError([
      'SOLANA_KEY_FILE: not set, allowed one of SOLANA_KEY_FILE, SOLANA_KEY, SOLANA_SIGNER beside SOLANA_RPC_URL: who mints',
    ]);
  }
  await makeOnce(ownFile);
  return signerFromFile(ownFile);
}

async function makeOnce(file: string): Promise<void> {
  try {
    await writeFile(file, newAuthority(), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
