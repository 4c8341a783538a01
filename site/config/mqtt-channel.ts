import { TIME_UNITS, type MqttChannel, type MqttMapping, type TimeUnit } from '../channels/mqtt.js';
import { parseJsonPath, type JsonPath } from '../json-path.js';
import { isState, type PointDefinition } from '../points.js';
import { readBroker } from './broker.js';
import { readInteger, readWord, type Row } from './cells.js';
import { hasPoints, readCommon, reportNoPoints, type SiteContext } from './channel-common.js';
import type { TableColumns } from './csv-table.js';
import { mappedPoints, readMappings } from './mapping-set.js';
import { readPoints } from './point-set.js';
import { show } from './problems.js';
import { MQTT_CHANNEL_DEFAULTS as D, type MqttChannelFile } from './schema/mqtt-channel.js';
import type { Block, SiteSource } from './source.js';
import { findTables } from './table-files.js';

/** Columns of the mapping table of an MQTT channel. */
export const MQTT_COLUMNS: TableColumns = {
  required: ['point_id'],
  optional: [
    'topic',
    'value_path',
    'time_path',
    'time_unit',
    'quality_path',
    'on',
    'off',
    'command_topic',
    'command',
    'stale_after_ms',
  ],
};
const TIME_UNIT_WORDS: ReadonlyMap<string, TimeUnit> = new Map(TIME_UNITS.map((unit) => [unit, unit]));
/** MQTT 5, section 1.5.4: the longest text of a packet, in bytes. */
const MAX_TOPIC_BYTES = 65_535;
const MAX_STALE_MS = 2_147_483_647;

export async function readMqttChannel(
  source: SiteSource,
  file: MqttChannelFile,
  block: Block,
  { name, defaults }: SiteContext,
): Promise<MqttChannel> {
  const tables = await findTables(source, file, block);
  const points = await readPoints(source, tables, file.points, block);
  const staleAfterMs = file.stale_after_ms ?? D.staleAfterMs;
  const mappings = await readMappings(source, tables, points, {
    columns: MQTT_COLUMNS,
    read: (row, point) => readMqttMapping(row, point, staleAfterMs),
  });
  if (!hasPoints(file) && tables === undefined) reportNoPoints(source, file, block);
  return {
    ...readCommon(file, block, defaults),
    ...mappedPoints(points, mappings),
    protocol: 'mqtt',
    broker: await readBroker(source, file.broker, block.at('broker'), `statewatt-${name}-channel-${file.id}`),
    retained: file.retained ?? D.retained,
    writeTimeoutMs: file.write_timeout_ms ?? D.writeTimeoutMs,
  };
}

/** Where a point lives at the broker; undefined when a fault was noted. */
function readMqttMapping(row: Row, point: PointDefinition, channelStaleMs: number): MqttMapping | undefined {
  const topic = row.cell('topic');
  const commandTopic = row.cell('command_topic');
  const writable = point.kind === 'C' || point.kind === 'A';
  if (topic === '' && (!writable || commandTopic === '')) {
    row.report('topic', 'nothing', writable ? 'a topic here, in command_topic, or in both' : 'a topic');
    return undefined;
  }
  if (topic !== '' && !isTopicFilter(topic)) {
    row.report('topic', show(topic), 'a topic; + may stand for one level and # for all that follow');
    return undefined;
  }
  if (commandTopic !== '' && !writable) {
    row.report('command_topic', show(commandTopic), `nothing, as ${point.kind} points are only read`);
    return undefined;
  }
  if (commandTopic !== '' && (!isTopicFilter(commandTopic) || /[+#]/.test(commandTopic))) {
    row.report('command_topic', show(commandTopic), 'a topic without + and #');
    return undefined;
  }
  const [value, time, quality] = ['value_path', 'time_path', 'quality_path'].map((column) => readPath(row, column));
  const timeUnit = readWord(row, 'time_unit', TIME_UNIT_WORDS) ?? D.timeUnit;
  const staleAfterMs = readInteger(row, 'stale_after_ms', 0, MAX_STALE_MS, channelStaleMs);
  const on = readStateWord(row, 'on', point);
  const off = readStateWord(row, 'off', point);
  if (on !== '' && on === off) row.report('off', show(off), 'another text than on has');
  const command = row.cell('command') === '' ? D.command : row.cell('command');
  if (!command.includes('{value}')) row.report('command', show(command), 'a text with {value}');
  return {
    ...(topic === '' ? {} : { topic }),
    ...(value === undefined ? {} : { value }),
    ...(time === undefined ? {} : { time }),
    timeUnit,
    ...(quality === undefined ? {} : { quality }),
    ...(on === '' ? {} : { on }),
    ...(off === '' ? {} : { off }),
    ...(commandTopic === '' ? {} : { commandTopic }),
    command,
    staleAfterMs: staleAfterMs ?? channelStaleMs,
  };
}

function readPath(row: Row, column: string): JsonPath | undefined {
  const text = row.cell(column);
  if (text === '') return undefined;
  const path = parseJsonPath(text);
  if (path === undefined) row.report(column, show(text), 'a path such as $.meter.power or $.phases[0]');
  return path;
}

function readStateWord(row: Row, column: 'on' | 'off', point: PointDefinition): string {
  const text = row.cell(column);
  if (text === '' || isState(point.kind) || point.dataType === 'bool') return text;
  row.report(column, show(text), 'nothing, as only states have such words');
  return '';
}

/** MQTT 5, section 4.7. A shared subscription would share the values out among clients. */
function isTopicFilter(topic: string): boolean {
  if (topic.includes('\0') || topic.startsWith('$share/') || Buffer.byteLength(topic) > MAX_TOPIC_BYTES) return false;
  const levels = topic.split('/');
  return levels.every(
    (level, index) => level === '+' || (level === '#' && index === levels.length - 1) || !/[+#]/.test(level),
  );
}
