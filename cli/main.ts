#!/usr/bin/env node
import { natsLogin } from './nats-login.js';
import { runProcess } from './process.js';

// What a command needs is loaded when it is wanted, so that the others start faster.
await runProcess({
  connect: async (target) => {
    const { connectClient } = await import('../actors/client/remote.js');
    return connectClient({ ...target, name: 'statewatt-cli', ...natsLogin(process.env) });
  },
  check: async (path) => (await import('../site/config/index.js')).loadSite(path),
  startNode: async (options) => (await import('../node/node.js')).startNode(options),
});
