import type { Site } from '../model.js';
import { isState, pointKey, type PointKind } from '../points.js';
import type { Forwarder, PointRule } from './forwarder.js';
import { matches } from './pattern.js';
import { fillTemplate, subjectToken, topicLevel } from './template.js';

/** A point as it is forwarded. */
export interface SelectedPoint {
  readonly channel: number;
  readonly kind: PointKind;
  readonly id: number;
  readonly name: string;
  readonly unit: string;
  readonly scale: number;
  readonly offset: number;
  /** Topic or subject; empty where a batch has one of its own. */
  readonly destination: string;
}

/** What of a site one target gets. */
export interface Selection {
  readonly site: string;
  /** Topic or subject of a batch. */
  readonly destination: string;
  /** By channel, then by point key. */
  readonly channels: ReadonlyMap<number, ReadonlyMap<number, SelectedPoint>>;
}

/** Applies the rules of a forwarder to all points of a site. */
export function selectPoints(forwarder: Forwarder, site: Pick<Site, 'name' | 'channels'>): Selection {
  const clean = forwarder.type === 'nats' ? subjectToken : topicLevel;
  const template = forwarder.type === 'mqtt' ? forwarder.topic : forwarder.type === 'nats' ? forwarder.subject : '';
  const common = { site: site.name, forwarder: forwarder.id };
  const channels = new Map<number, Map<number, SelectedPoint>>();
  for (const channel of site.channels) {
    const selected = new Map<number, SelectedPoint>();
    for (const { kind, id, name, unit } of channel.points) {
      const rule = ruleFor(forwarder.points, channel.id, kind, id);
      if (rule === undefined) continue;
      const fields = { ...common, channel: channel.id, channel_name: channel.name, kind, id, name, unit };
      const sentAs = rule.name === undefined ? name : fillTemplate(rule.name, fields);
      const scaled = !isState(kind);
      selected.set(pointKey(kind, id), {
        ...{ channel: channel.id, kind, id },
        name: sentAs,
        unit: rule.unit ?? unit,
        scale: scaled ? rule.scale : 1,
        offset: scaled ? rule.offset : 0,
        destination: forwarder.payload === 'batch' ? '' : fillTemplate(template, { ...fields, name: sentAs }, clean),
      });
    }
    if (selected.size > 0) channels.set(channel.id, selected);
  }
  const destination = forwarder.payload === 'batch' ? fillTemplate(template, common, clean) : '';
  return { site: site.name, destination, channels };
}

/** How many points of the site a rule matches. */
export function countMatches({ match }: Pick<PointRule, 'match'>, site: Pick<Site, 'channels'>): number {
  let count = 0;
  for (const channel of site.channels) {
    for (const { kind, id } of channel.points) if (matches(match, channel.id, kind, id)) count += 1;
  }
  return count;
}

function ruleFor(rules: readonly PointRule[], channel: number, kind: PointKind, id: number): PointRule | undefined {
  return rules.find(({ match }) => matches(match, channel, kind, id));
}
