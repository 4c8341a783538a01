import { EnvironmentError, type Environment } from '../site/config/index.js';
import { effectiveTokenization } from '../site/config/tokenization.js';
import type { Tokenization } from '../site/metering/tokenization.js';
import type { NodeLog } from './node.js';
import type { SiteHolder } from './site-holder.js';

/**
 * The settings of tokenization as they are now: what the environment says goes before the site file, which may change.
 * A change that does not go together with the environment is logged, and the settings before stay.
 *
 * @throws EnvironmentError when what both say together cannot be used
 */
export function tokenizationOf(holder: SiteHolder, environment: Environment, log: NodeLog): () => Tokenization {
  let site = holder.site;
  const first = effectiveTokenization(site.tokenization, environment.tokenization);
  if (first.problems.length > 0) throw new EnvironmentError(first.problems);
  let settings = first.settings;
  return () => {
    if (holder.site === site) return settings;
    site = holder.site;
    const next = effectiveTokenization(site.tokenization, environment.tokenization);
    if (next.problems.length === 0) settings = next.settings;
    else log.error({ part: 'tokenization', problems: next.problems }, 'the new tokenization settings are not used');
    return settings;
  };
}
