/** The site's configuration: site file, tables, environment. */
export { loadSite } from './load.js';
export { ConfigError, maskSecrets, renderProblems, type Problem } from './problems.js';
export { diffSites, type ChannelChange, type ChannelPart } from './diff.js';
export { watchSite, type SiteChangeListener } from './watch.js';
export { EnvironmentError, EnvironmentSchema, loadEnvironment, LOG_LEVELS, type Environment } from './environment.js';
