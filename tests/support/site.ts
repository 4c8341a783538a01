import type { ChannelConfig, Site } from '../../site/model.js';

/** A site of these channels, with the defaults of site.yaml. */
export function testSite(channels: readonly ChannelConfig[], change: Partial<Site> = {}): Site {
  return {
    name: 'Test site',
    defaults: { maxConcurrentConnections: 4096, connectionTimeoutMs: 5_000, pollingIntervalMs: 1_000 },
    channels,
    watchFiles: false,
    files: [],
    history: { rawDays: 30, minuteDays: 365, hourDays: 1825, dayDays: 3650 },
    templates: [],
    models: [],
    rules: [],
    notifications: [],
    aliases: {},
    forwarding: [],
    keepConfigurations: 100,
    ...change,
  };
}
