import assert from 'node:assert/strict';
import { Connection, VersionedMessage, VersionedTransaction } from '@solana/web3.js';
import { encodedMessage, encodedTransaction } from '../../../protocols/solana/encoded.js';
import { buildMintMessage, withSignature } from '../../../protocols/solana/mint-message.js';
import { walletAddress } from '../../support/minting.js';

describe('What is encoded already', () => {
  const { message } = buildMintMessage({
    ...{
      authority: walletAddress(9),
      mint: walletAddress(8),
      decimals: 9,
      memo: 'statewatt:mint:1-1:0',
      unitPrice: 1_000,
    },
    blockhash: walletAddress(7),
    targets: [{ wallet: walletAddress(1), tokenAccount: walletAddress(2), amount: '5', create: true }],
  });
  // A view into a bigger buffer, as Buffer gives them.
  const bytes = Buffer.concat([Buffer.alloc(3), withSignature(message, Buffer.alloc(64, 1))]).subarray(3);
  let asked: { method: string; params: unknown[] }[];
  let connection: Connection;

  beforeEach(() => {
    asked = [];
    connection = new Connection('http://127.0.0.1:1', {
      fetch: (_url, init) => {
        const { id, method, params } = JSON.parse(init?.body as string) as { id: string } & (typeof asked)[number];
        asked.push({ method, params });
        const value = method === 'getFeeForMessage' ? 5_000 : { err: null, logs: [], unitsConsumed: 1 };
        return Promise.resolve(
          new Response(JSON.stringify({ jsonrpc: '2.0', id, result: { context: { slot: 1 }, value } })),
        );
      },
    });
  });

  it('is asked about as web3.js asks about its own messages', async () => {
    const { value } = await connection.getFeeForMessage(encodedMessage(message));
    assert.equal(Number(value), 5_000);
    await connection.getFeeForMessage(VersionedMessage.deserialize(message));
    assert.equal(asked[0]?.params[0], Buffer.from(message).toString('base64'));
    assert.deepEqual(asked[0], asked[1]);
  });

  it('is tried out as web3.js tries out its own transactions', async () => {
    const options = { sigVerify: true, commitment: 'confirmed' } as const;
    const { value } = await connection.simulateTransaction(encodedTransaction(bytes), options);
    assert.equal(value.err, null);
    await connection.simulateTransaction(VersionedTransaction.deserialize(new Uint8Array(bytes)), options);
    assert.equal(asked[0]?.params[0], bytes.toString('base64'));
    assert.deepEqual(asked[0], asked[1]);
  });
});
