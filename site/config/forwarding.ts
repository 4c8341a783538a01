import type { Site } from '../model.js';
import type { Forwarder, Payload, PointRule, Sending } from '../forwarding/forwarder.js';
import { parsePattern } from '../forwarding/pattern.js';
import {
  FORWARDER_DEFAULTS as D,
  type ForwarderFile,
  type HttpForwarderFile,
  type MqttForwarderFile,
  type NatsForwarderFile,
} from '../forwarding/schema.js';
import { countMatches } from '../forwarding/selection.js';
import { POINT_FIELDS, SITE_FIELDS, unknownFields, type TemplateField } from '../forwarding/template.js';
import { pemFile, readBroker, readTls } from './broker.js';
import { choices, show } from './problems.js';
import type { Block, SiteSource } from './source.js';

/** Subjects that the server and Statewatt keep for themselves. */
const RESERVED = /^(cmd|timer|due|evt|snap|dead|frame|configuration|statewatt|[$_][A-Za-z0-9]*)(\.|$)/;

type SitePoints = Pick<Site, 'name' | 'channels'>;

/**
 * The targets that readings are forwarded to, ascending by id.
 *
 * @param complete all channels are right: only then can it be said that a pattern matches none of their points
 */
export async function readForwarders(
  source: SiteSource,
  files: readonly ForwarderFile[],
  site: SitePoints,
  complete: boolean,
  block: Block,
): Promise<Forwarder[]> {
  const first = new Map<string, number>();
  const forwarders: Forwarder[] = [];
  for (const [index, file] of files.entries()) {
    const at = block.at(index);
    const other = first.get(file.id);
    if (other !== undefined) at.report('id', `${show(file.id)}, which forwarding[${other}] has too`, 'each id once');
    else first.set(file.id, index);
    forwarders.push(await readForwarder(source, file, site, complete, at));
  }
  return forwarders.sort((a, b) => (a.id < b.id ? -1 : 1));
}

async function readForwarder(
  source: SiteSource,
  file: ForwarderFile,
  site: SitePoints,
  complete: boolean,
  block: Block,
): Promise<Forwarder> {
  const payload = file.payload ?? (file.type === 'http' ? D.httpPayload : D.payload);
  const common = {
    id: file.id,
    name: file.name ?? file.id,
    enabled: file.enabled ?? true,
    points: readPointRules(file, complete ? site : undefined, block),
    send: readSending(file, block),
    payload,
    batch: { points: file.batch?.points ?? D.batchPoints, waitMs: file.batch?.wait_ms ?? D.waitMs },
    maxPointsPerSecond: file.max_points_per_second ?? D.maxPointsPerSecond,
    begin: file.begin ?? 'now',
  } as const;
  switch (file.type) {
    case 'mqtt':
      return { ...common, ...(await readMqtt(source, file, payload, site, block)) };
    case 'http':
      return { ...common, ...(await readHttp(source, file, payload, block)) };
    case 'nats':
      return { ...common, ...(await readNats(source, file, payload, block)) };
  }
}

async function readMqtt(source: SiteSource, file: MqttForwarderFile, payload: Payload, site: SitePoints, block: Block) {
  const topic = file.topic ?? (payload === 'batch' ? D.batchTopic : D.topic);
  checkTemplate(topic, 'topic', payload === 'batch' ? SITE_FIELDS : POINT_FIELDS, block);
  if (/[+#\u0000]/.test(topic)) block.report('topic', show(topic), 'a topic without + and #');
  return {
    type: 'mqtt' as const,
    broker: await readBroker(source, file, block, `statewatt-${site.name}-${file.id}`),
    topic,
    retain: file.retain ?? false,
  };
}

async function readHttp(source: SiteSource, file: HttpForwarderFile, payload: Payload, block: Block) {
  if (payload !== 'batch') block.report('payload', show(payload), 'batch, as each request carries one');
  for (const name of Object.keys(file.headers ?? {})) {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) block.at('headers').report(name, show(name), 'a header’s name');
  }
  if (file.tls !== undefined && !file.url.startsWith('https:')) block.report('tls', 'http', 'https:// in url');
  return {
    type: 'http' as const,
    url: file.url,
    headers: file.headers ?? {},
    tls: await readTls(source, file.tls, block.at('tls')),
    timeoutMs: file.timeout_ms ?? D.timeoutMs,
  };
}

async function readNats(source: SiteSource, file: NatsForwarderFile, payload: Payload, block: Block) {
  const subject = file.subject ?? (payload === 'batch' ? D.batchSubject : D.subject);
  checkTemplate(subject, 'subject', payload === 'batch' ? SITE_FIELDS : POINT_FIELDS, block);
  const tokens = subject.split('.');
  if (tokens.some((token) => !/^[^\s*>]+$/.test(token)))
    block.report('subject', show(subject), 'tokens between dots, without spaces, * and >');
  else if (RESERVED.test(subject)) block.report('subject', show(subject), 'one that Statewatt does not use itself');
  const credentials = await pemFile(source, file.credentials, block, 'credentials');
  return {
    type: 'nats' as const,
    url: file.url,
    ...(credentials === undefined ? {} : { credentials }),
    tls: await readTls(source, file.tls, block.at('tls')),
    subject,
    jetstream: file.jetstream ?? true,
  };
}

/** `site` undefined: it cannot be said which points there are. */
function readPointRules(file: ForwarderFile, site: SitePoints | undefined, block: Block): PointRule[] {
  return (file.points ?? ['*']).flatMap((written, index) => {
    const rule = typeof written === 'string' ? { match: written } : written;
    const at = block.at('points', index);
    const report = (found: string, allowed: string) =>
      at.report(typeof written === 'string' ? '' : 'match', found, allowed);
    const match = parsePattern(rule.match);
    if (match === undefined) {
      report(show(rule.match), '<channel>:<kind>:<id>, each of which may be *, numbers also ranges, as 1001-1010:T:*');
      return [];
    }
    if (site !== undefined && file.points !== undefined && countMatches({ match }, site) === 0)
      report(`${show(rule.match)}, which matches no point`, 'a pattern that matches some');
    if (rule.name !== undefined) checkTemplate(rule.name, 'name', POINT_FIELDS, at);
    if (rule.scale === 0) at.report('scale', '0', 'any other number');
    const { name, unit, scale = 1, offset = 0 } = rule;
    return [{ match, ...(name === undefined ? {} : { name }), ...(unit === undefined ? {} : { unit }), scale, offset }];
  });
}

function readSending({ send = D.send, deadband, interval_ms: intervalMs }: ForwarderFile, block: Block): Sending {
  if (deadband !== undefined && send !== 'change') block.report('deadband', show(send), 'send: change beside it');
  if (intervalMs !== undefined && send !== 'interval')
    block.report('interval_ms', show(send), 'send: interval beside it');
  if (send === 'change') return { mode: 'change', deadband: deadband ?? 0 };
  if (send === 'all') return { mode: 'all' };
  if (intervalMs === undefined) block.report('interval_ms', 'nothing', 'a number of ms, as send is interval');
  return { mode: 'interval', intervalMs: intervalMs ?? 1 };
}

function checkTemplate(template: string, key: string, allowed: readonly TemplateField[], block: Block): void {
  const [unknown] = unknownFields(template, allowed);
  if (unknown === undefined) return;
  block.report(key, show(`{${unknown}}`), choices(allowed.map((field) => `{${field}}`)));
}
