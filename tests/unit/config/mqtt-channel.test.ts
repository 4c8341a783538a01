import assert from 'node:assert/strict';
import type { MqttChannel } from '../../../site/channels/mqtt.js';
import { linesOf, loadFiles } from '../../support/config.js';

const SITE = `
site: farm
channels:
  - id: 7
    protocol: mqtt
    broker: { url: "mqtt://broker:1883" }
`;

async function load(rest: string, files: Record<string, string> = {}): Promise<MqttChannel> {
  const { channels } = await loadFiles({ 'site.yaml': SITE + rest, ...files });
  assert.equal(channels[0]?.protocol, 'mqtt');
  return channels[0];
}

describe('MQTT channels in site.yaml', () => {
  it('have defaults for all but broker and topics', async () => {
    const channel = await load('    points: [{ id: 1, name: Power, topic: meter/power }]');
    assert.deepEqual(
      { ...channel, points: channel.points.length },
      {
        id: 7,
        name: 'channel 7',
        enabled: true,
        pollingIntervalMs: 1000,
        points: 1,
        protocol: 'mqtt',
        broker: {
          url: 'mqtt://broker:1883',
          clientId: 'statewatt-farm-channel-7',
          tls: { verify: true },
          connectTimeoutMs: 5000,
          keepAliveS: 30,
        },
        retained: 'good',
        writeTimeoutMs: 5000,
        mappings: [{ topic: 'meter/power', timeUnit: 'ms', command: '{value}', staleAfterMs: 0 }],
      },
    );
  });

  it('read every key, and the point’s own silence before the channel’s', async () => {
    const channel = await load(`    polling: { interval_ms: 250 }
    retained: stale
    write_timeout_ms: 700
    stale_after_ms: 60000
    points:
      - { id: 1, name: Power, topic: "site/+/state", value_path: "$.power[0]", time_path: ts, time_unit: s, quality_path: q }
      - { id: 1, kind: C, name: Relay, topic: relay, command_topic: relay/set, command: '{"relay":{value}}', on: OPEN, off: CLOSED, stale_after_ms: 0 }
`);
    assert.deepEqual(
      [channel.pollingIntervalMs, channel.retained, channel.writeTimeoutMs, channel.mappings],
      [
        250,
        'stale',
        700,
        [
          {
            topic: 'site/+/state',
            value: ['power', 0],
            time: ['ts'],
            timeUnit: 's',
            quality: ['q'],
            command: '{value}',
            staleAfterMs: 60_000,
          },
          {
            topic: 'relay',
            timeUnit: 'ms',
            on: 'OPEN',
            off: 'CLOSED',
            commandTopic: 'relay/set',
            command: '{"relay":{value}}',
            staleAfterMs: 0,
          },
        ],
      ],
    );
  });

  it('may have tables, as other channels', async () => {
    const channel = await load('    tables: t\n', {
      't/telemetry.csv': 'point_id,signal_name,scale\n2,Voltage,0.1\n1,Power,1\n',
      't/mapping/telemetry_mapping.csv': 'point_id,topic,value_path\n1,meter,$.p\n2,meter,$.u\n',
      't/adjustment.csv': 'point_id,signal_name\n1,Limit\n',
      't/mapping/adjustment_mapping.csv': 'point_id,command_topic\n1,limit/set\n',
    });
    assert.deepEqual(
      channel.mappings.map(({ topic, value, commandTopic }) => [topic, value, commandTopic]),
      [
        ['meter', ['p'], undefined],
        ['meter', ['u'], undefined],
        [undefined, undefined, 'limit/set'],
      ],
    );
  });

  it('are told every mistake at its place', async () => {
    const lines = await linesOf({
      'site.yaml': `${SITE}    tables: t
  - id: 8
    protocol: mqtt
    points: []
  - id: 9
    protocol: mqtt
    broker: { url: "mqtt://b", tls: {} }
    retained: maybe
    points: [{ id: 1, name: A, topic: a, register_address: 1 }]
  - id: 10
    protocol: mqtt
    broker: { url: "mqtt://b" }
`,
      't/telemetry.csv': 'point_id,signal_name\n1,A\n2,B\n3,C\n4,D\n5,E\n6,F\n7,G\n',
      't/mapping/telemetry_mapping.csv': `point_id,topic,value_path,time_unit,stale_after_ms,on,command_topic
1,,,,,,
2,a/#/b,,,,,
3,$share/g/a,,,,,
4,a,a..b,,,,
5,a,,minutes,,,
6,a,,,-1,yes,
7,a,,,,,set
`,
      't/control.csv': 'point_id,signal_name\n1,A\n2,B\n3,C\n',
      't/mapping/control_mapping.csv': `point_id,topic,command_topic,command,on,off
1,,,,,
2,,set/+,,,
3,a,set,on,x,x
`,
    });
    assert.deepEqual(
      lines.map((line) => line.replace('t/mapping/', '')),
      [
        'site.yaml:8:5: channels[1].broker: missing, allowed keys: url, username, password, client_id, tls, connect_timeout_ms or keep_alive_s',
        'site.yaml:14:15: channels[2].retained: found "maybe", allowed good, stale or ignore',
        'site.yaml:15:42: channels[2].points[0].register_address: unknown key, allowed id, kind, name, unit, data_type, scale, offset, reverse, deadband, min, max, topic, value_path, time_path, time_unit, quality_path, on, off, command_topic, command or stale_after_ms',
        'site.yaml:16:5: channels[3]: the channel has no points, allowed points, tables, or a folder /site/10 or /site/comsrv/10',
        'control_mapping.csv:2:3: topic: found nothing, allowed a topic here, in command_topic, or in both',
        'control_mapping.csv:3:4: command_topic: found "set/+", allowed a topic without + and #',
        'control_mapping.csv:4:9: command: found "on", allowed a text with {value}',
        'control_mapping.csv:4:14: off: found "x", allowed another text than on has',
        'telemetry_mapping.csv:2:3: topic: found nothing, allowed a topic',
        'telemetry_mapping.csv:3:3: topic: found "a/#/b", allowed a topic; + may stand for one level and # for all that follow',
        'telemetry_mapping.csv:4:3: topic: found "$share/g/a", allowed a topic; + may stand for one level and # for all that follow',
        'telemetry_mapping.csv:5:5: value_path: found "a..b", allowed a path such as $.meter.power or $.phases[0]',
        'telemetry_mapping.csv:6:6: time_unit: found "minutes", allowed s, ms, us or ns',
        'telemetry_mapping.csv:7:7: stale_after_ms: found "-1", allowed a whole number from 0 to 2147483647',
        'telemetry_mapping.csv:7:10: on: found "yes", allowed nothing, as only states have such words',
        'telemetry_mapping.csv:8:9: command_topic: found "set", allowed nothing, as T points are only read',
      ],
    );
  });
});
