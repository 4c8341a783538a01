#!/usr/bin/env node
import { StatewattError } from '../errors/error.js';
import { loadSite } from '../site/config/index.js';
import { runProcess } from './process.js';

await runProcess({
  connect: () =>
    Promise.reject(
      new StatewattError(
        'cli.no_client',
        'unavailable',
        'this build cannot reach a running site: it has no NATS client',
      ),
    ),
  check: loadSite,
  // Loaded when it is wanted: the other commands start faster without it.
  startNode: async (options) => (await import('../node/node.js')).startNode(options),
});
