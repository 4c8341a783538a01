#!/usr/bin/env node
import { loadSite } from '../site/config/index.js';
import { runProcess } from './process.js';

// What a command needs is loaded when it is wanted, so that the others start faster.
await runProcess({
  connect: async ({ natsUrl }) => {
    const { connectClient } = await import('../actors/client/remote.js');
    const credentials = process.env.NATS_CREDS;
    return connectClient({ natsUrl, name: 'statewatt-cli', ...(credentials ? { credentials } : {}) });
  },
  check: loadSite,
  startNode: async (options) => (await import('../node/node.js')).startNode(options),
});
