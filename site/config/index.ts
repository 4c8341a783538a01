/** The site's configuration: site file, tables, environment. */
export { loadSite } from './load.js';
export { ConfigError, maskSecrets, type Problem } from './problems.js';
export { diffSites, type ChannelChange } from './diff.js';
export { modelParts } from './models.js';
export { watchSite, type SiteWatch } from './watch.js';
export { EnvironmentError, loadEnvironment, type Environment } from './environment.js';
