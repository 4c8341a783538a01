import { sitePoints } from '../expressions/index.js';
import { decodeBase58 } from '../metering/base58.js';
import { checkSource } from '../metering/check-source.js';
import type { MeterSource } from '../metering/readings.js';
import type { SiteMeter } from '../metering/site-meter.js';
import type { Site } from '../model.js';
import { show } from './problems.js';
import type { MeterFile } from './schema/meters.js';
import type { Block } from './source.js';

/**
 * The meters of a site, ascending by id. What is wrong with them is told with its place.
 *
 * @param site undefined: not all channels are right, so it cannot be said that a counter is none of their points
 */
export function readMeters(
  files: readonly MeterFile[],
  site: Pick<Site, 'channels'> | undefined,
  block: Block,
): SiteMeter[] {
  const points = site === undefined ? undefined : sitePoints(site);
  const first = new Map<string, number>();
  const meters = files.map(({ id, wallet, user, channel, point, unit = 'kWh', rollover, interval_secs }, index) => {
    const at = block.at(index);
    const other = first.get(id);
    if (other !== undefined) at.report('id', `${show(id)}, which meters[${other}] has too`, 'each id once');
    else first.set(id, index);
    if (decodeBase58(wallet, 32) === undefined) at.report('wallet', show(wallet), 'an address, base58 of 32 bytes');
    const source: MeterSource = {
      ...{ channel, point, unit },
      ...(rollover === undefined ? {} : { rollover }),
      ...(interval_secs === undefined ? {} : { intervalSecs: interval_secs }),
    };
    for (const { key, found, allowed } of checkSource(source, points)) {
      at.report(key === 'intervalSecs' ? 'interval_secs' : key, found, allowed);
    }
    return { id, source, wallet, user };
  });
  return meters.sort((a, b) => (a.id < b.id ? -1 : 1));
}
