import assert from 'node:assert/strict';
import type { ChannelView } from '../../actors/client/schemas.js';
import { connectBus } from '../../bus/connection.js';
import { comeToRest } from '../../chaos/rest.js';
import type { SiteProcess } from '../support/site-process.js';

const REST_MS = 60_000;

/** Pauses every channel, so that no frame comes any more, and waits until history has all there are. */
export async function quiesce(site: SiteProcess): Promise<void> {
  const bus = await connectBus({ servers: [site.natsUrl], name: 'quiesce', ensureStreams: false });
  try {
    const { problem } = await comeToRest({
      bus,
      healths: async () => [await site.health()],
      pause: () => commandAll(site, 'pause'),
      ms: REST_MS,
    });
    assert.equal(problem, undefined);
  } finally {
    await bus.close();
  }
}

export async function commandAll(site: SiteProcess, command: 'pause' | 'resume'): Promise<void> {
  const channels = await site.get<ChannelView[]>('/api/v1/channels');
  await Promise.all(
    channels.map(async ({ id }) => {
      const answer = await fetch(`${site.url}/api/v1/channels/${id}/commands`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ command }),
        signal: AbortSignal.timeout(30_000),
      });
      assert.equal(answer.status, 200, await answer.text());
    }),
  );
}
