import assert from 'node:assert/strict';
import { linesOf } from '../../support/config.js';

/** What is wrong in a site of these files, without the source lines. */
const CASES: readonly { what: string; files: Record<string, string | Uint8Array>; problems: readonly string[] }[] = [
  {
    what: 'an empty file',
    files: {
      'site.yaml': '',
    },
    problems: [
      'site.yaml:1:1: found nothing, allowed keys: site, timezone, defaults, watch_files, keep_configurations, service_ports, history, channels, templates, models, aliases, rules, notifications, forwarding, tokenization, meters, name, global_config, file_watch_enabled, csv_base_path, version, description, service, api, redis, logging, lua_sync or command_trigger',
    ],
  },
  {
    what: 'a file that is no map',
    files: {
      'site.yaml': 'hello',
    },
    problems: [
      'site.yaml:1:1: found "hello", allowed keys: site, timezone, defaults, watch_files, keep_configurations, service_ports, history, channels, templates, models, aliases, rules, notifications, forwarding, tokenization, meters, name, global_config, file_watch_enabled, csv_base_path, version, description, service, api, redis, logging, lua_sync or command_trigger',
    ],
  },
  {
    what: 'broken YAML',
    files: {
      'site.yaml': `channels:
  - {id: 1
  - [}
`,
    },
    problems: [
      'site.yaml:3:3: not valid YAML: Flow map in block collection must be sufficiently indented and end with a }',
      'site.yaml:3:6: not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
  },
  {
    what: 'a key twice',
    files: {
      'site.yaml': `channels: []
channels: []
`,
    },
    problems: ['site.yaml:2:1: not valid YAML: Map keys must be unique'],
  },
  {
    what: 'an alias of nothing',
    files: {
      'site.yaml': `a: &a [x]
channels: *b
`,
    },
    problems: ['site.yaml:1:1: cannot be read as YAML: Unresolved alias (the anchor must be set before the alias): b'],
  },
  {
    what: 'bytes that are not UTF-8',
    files: {
      'site.yaml': Uint8Array.from([99, 255, 254]),
    },
    problems: [
      'site.yaml: found bytes that are not UTF-8, allowed UTF-8 text (save the file as UTF-8; spreadsheets call it "CSV UTF-8")',
    ],
  },
  {
    what: 'channels that share a connection and use it differently',
    files: {
      'site.yaml': `channels:
  - {id: 1, protocol: modbus, address: '10.0.0.1', share_connection: true, limits: {pipeline: 4}, points: [&p {id: 1, name: x, function_code: 3, register_address: 1}]}
  - {id: 2, protocol: modbus, address: '10.0.0.1:502', slave_id: 2, share_connection: true, points: [*p]}
  - {id: 3, protocol: modbus, address: '10.0.0.1:502', slave_id: 3, points: [*p]}
  - {id: 4, protocol: modbus, transport: {type: rtu, device: /dev/ttyS0}, points: [*p]}
  - {id: 5, protocol: modbus, transport: {type: rtu, device: /dev/ttyS0, baud_rate: 19200}, points: [*p]}
  - {id: 6, protocol: modbus, transport: {type: rtu, device: /dev/ttyS1}, share_connection: false, points: [*p]}
`,
    },
    problems: [
      'site.yaml:3:5: channels[1]: found pipeline 1, allowed 4, as channel 1 has, which shares the connection to 10.0.0.1:502',
      'site.yaml:6:5: channels[4]: found baud_rate 19200, allowed 9600, as channel 4 has, which shares the connection to /dev/ttyS0',
      'site.yaml:7:75: channels[5].share_connection: found false with a serial port, allowed true: a serial port can be opened only once',
    ],
  },
  {
    what: 'a channel id twice',
    files: {
      'site.yaml': `channels:
  - {id: 1, protocol: virtual, simulation: {site_model: {}}}
  - {id: 1, protocol: virtual, simulation: {site_model: {}}}
`,
    },
    problems: ['site.yaml:3:6: channels[1].id: found 1, which channels[0] has too, allowed each id once'],
  },
  {
    what: 'channels without points',
    files: {
      'site.yaml': 'channels: [{id: 1, protocol: modbus}, {id: 2, protocol: virtual}]',
    },
    problems: [
      'site.yaml:1:12: channels[0]: the channel has no transport, allowed address: "host:port", or transport: {type, host, port} or {type: rtu, device}',
      'site.yaml:1:12: channels[0]: the channel has no points, allowed points, tables, or a folder /site/1 or /site/comsrv/1',
      'site.yaml:1:39: channels[1]: the channel has no points, allowed points, tables, simulation, or a folder /site/2 or /site/comsrv/2',
    ],
  },
  {
    what: 'transports',
    files: {
      'site.yaml': `channels:
  - {id: 1, protocol: modbus, address: "a:99999", points: []}
  - {id: 2, protocol: modbus, address: a, transport: {host: b}, points: []}
  - {id: 3, protocol: modbus_rtu, address: a, points: []}
  - {id: 4, protocol: modbus_tcp, parameters: {port: /dev/ttyS0}, points: []}
  - {id: 5, protocol: modbus, parameters: {port: 502}, points: []}
  - {id: 6, protocol: modbus, transport: {type: rtu}, points: []}
  - {id: 7, protocol: modbus, transport: {type: udp, host: x}, points: []}
  - {id: 8, protocol: modbus, transport: {hots: x}, points: []}
  - {id: 9, protocol: modbus, parameters: {host: a, port: 0}, points: []}
  - {id: 10, protocol: modbus, address: a, limits: {max_registers_per_read: 126, max_bits_per_read: 2001}, points: []}
  - {id: 11, protocol: modbus, parameters: {host: a, device: /dev/ttyS0}, points: []}
  - {id: 12, protocol: modbus, parameters: {host: a, port: "70000"}, points: []}
`,
    },
    problems: [
      'site.yaml:2:31: channels[0].address: found "a:99999", allowed host:port with a port from 1 to 65535; an IPv6 address in [ ]',
      'site.yaml:3:31: channels[1].address: the transport is given by transport and address, allowed one of them',
      'site.yaml:4:13: channels[2].protocol: found modbus_rtu with a tcp transport, allowed modbus or modbus_tcp',
      'site.yaml:5:13: channels[3].protocol: found modbus_tcp with a rtu transport, allowed modbus or modbus_rtu',
      'site.yaml:6:31: channels[4].parameters: host is missing, allowed a host name or IP address',
      'site.yaml:7:42: channels[5].transport.device: missing, allowed text that is not empty',
      'site.yaml:8:49: channels[6].transport.type: found "udp", allowed tcp, rtu-over-tcp or rtu',
      'site.yaml:9:42: channels[7].transport.host: missing, allowed text that is not empty',
      'site.yaml:9:43: channels[7].transport.hots: unknown key, allowed type, host or port; did you mean host?',
      'site.yaml:10:59: channels[8].parameters.port: found 0, allowed a port number or the name of a serial port',
      'site.yaml:11:77: channels[9].limits.max_registers_per_read: found 126, allowed a whole number from 1 to 125',
      'site.yaml:11:101: channels[9].limits.max_bits_per_read: found 2001, allowed a whole number from 1 to 2000',
      'site.yaml:12:45: channels[10].parameters.host: found a host and a serial port, allowed one of them',
      'site.yaml:13:54: channels[11].parameters.port: found "70000", allowed a whole number from 1 to 65535',
    ],
  },
  {
    what: 'tables in two ways',
    files: {
      'site.yaml': 'channels: [{id: 1, protocol: modbus, address: a, tables: t, table_config: {}}]',
    },
    problems: ['site.yaml:1:61: channels[0].table_config: tables is given too, allowed one of them'],
  },
  {
    what: 'two names for one thing',
    files: {
      'site.yaml': `site: a
name: b
watch_files: true
file_watch_enabled: true
channels: []`,
    },
    problems: [
      'site.yaml:2:1: name: site is given too, allowed one of them',
      'site.yaml:4:1: file_watch_enabled: watch_files is given too, allowed one of them',
    ],
  },
  {
    what: 'values that do not fit',
    files: {
      'site.yaml': `channels:
  - id: 1
    protocol: modbus
    address: a
    polling: {batch_size: 1}
    points:
      - {id: 1, name: x, function_code: 3, register_address: 1, data_type: float}
      - {id: 1, name: y, function_code: 7, register_address: 1}
      - {id: 2, name: y, kind: A, function_code: 4, register_address: 1, min: 5, max: 2, scale: 0}
`,
    },
    problems: [
      'site.yaml:7:65: channels[0].points[0].data_type: found a float32 of 2 registers, allowed up to 1 registers, as the channel’s limits say',
      'site.yaml:8:10: channels[0].points[1].id: found id 1, which the telemetry point "x" has too, allowed each id once for telemetry',
      'site.yaml:9:35: channels[0].points[2].function_code: found "4", allowed 3, 6 or 16 for an adjustment (A)',
      'site.yaml:9:74: channels[0].points[2].min: found 5, allowed a number up to the maximum, 2',
      'site.yaml:9:90: channels[0].points[2].scale: found 0, allowed a number other than 0',
    ],
  },
  {
    what: 'simulations',
    files: {
      'site.yaml': `channels:
  - id: 1
    protocol: virtual
    points: [{id: 1, name: a}, {id: 2, name: b, data_type: string}]
    simulation:
      patterns:
        - {type: sine, point_id: 7, amplitude: 1, frequency: 1}
        - {type: constant, point_id: 2, value: 1}
        - {type: constant, point_id: 1, value: 1}
        - {type: constant, point_id: 1, value: 1}
        - {type: random_walk, point_id: 1, kind: S, step_size: 1, bounds: [5, 1]}
        - {type: random_walk, point_id: 1, step_size: 1, initial_value: 9, bounds: [1, 5]}
        - {type: replay, point_id: 1, file: gone.csv}
        - {type: replay, point_id: 1, file: r.csv}
        - {type: random_walk, point_id: 1, step_size: 1, bounds: [5]}
      site_model: {outputs: [{output: grid.powr, point_id: 1}]}
  - id: 2
    protocol: virtual
    points: [{id: 1, name: a}, {id: 2, name: b, data_type: string}]
    simulation:
      patterns:
        - {type: sine, point_id: 7, amplitude: 1, frequency: 1}
        - {type: constant, point_id: 2, value: 1}
        - {type: constant, point_id: 1, value: 1}
        - {type: constant, point_id: 1, value: 1}
        - {type: random_walk, point_id: 1, kind: S, step_size: 1, bounds: [5, 1]}
        - {type: random_walk, point_id: 1, step_size: 1, initial_value: 9, bounds: [1, 5]}
        - {type: replay, point_id: 1, file: gone.csv}
        - {type: replay, point_id: 1, file: r.csv}
        - {SineWave: {point_id: 1, amplitude: 1, frequency: 1}, RandomWalk: {point_id: 1, step_size: 1, bounds: [1, 2]}}
      site_model: {}
`,
      'r.csv': `time_ms,value
0,1
0,2
-5,3
,4
7,
`,
    },
    problems: [
      'r.csv:3:1: time_ms: found 0, allowed a number greater than 0, the row before',
      'r.csv:4:1: time_ms: found -5, allowed a number greater than 0, the row before',
      'r.csv:5:1: time_ms: found nothing, allowed a number from 0',
      'r.csv:6:3: value: found nothing, allowed a number',
      'site.yaml:15:66: channels[0].simulation.patterns[8].bounds: found [5], allowed a list of 2 numbers',
      'site.yaml:16:39: channels[0].simulation.site_model.outputs[0].output: found "grid.powr", allowed pv.power, pv.energy, pv.irradiance, pv.limit, battery.power, battery.soc, battery.voltage, battery.temperature, battery.setpoint, battery.auto, load.power, load.energy, ev.power, grid.power, grid.import, grid.export, grid.frequency, grid.voltage or site.breaker; did you mean grid.power?',
      'site.yaml:22:24: channels[1].simulation.patterns[0].point_id: found point T 7, allowed a point of the channel',
      'site.yaml:23:28: channels[1].simulation.patterns[1].point_id: found point T 2, which holds text, allowed a point that holds numbers',
      'site.yaml:25:28: channels[1].simulation.patterns[3].point_id: found point T 1 again, allowed one pattern for each point',
      'site.yaml:26:31: channels[1].simulation.patterns[4].point_id: found point S 1, allowed a point of the channel',
      'site.yaml:26:67: channels[1].simulation.patterns[4].bounds: found [5,1], allowed the least value before the greatest',
      'site.yaml:27:31: channels[1].simulation.patterns[5].point_id: found point T 1 again, allowed one pattern for each point',
      'site.yaml:27:58: channels[1].simulation.patterns[5].initial_value: found 9, allowed a number from 1 to 5, as bounds says',
      'site.yaml:28:39: channels[1].simulation.patterns[6].file: there is no file /site/gone.csv, allowed the path of a CSV table',
      'site.yaml:29:26: channels[1].simulation.patterns[7].point_id: found point T 1 again, allowed one pattern for each point',
      'site.yaml:30:65: channels[1].simulation.patterns[8].RandomWalk: found SineWave and RandomWalk, allowed one pattern for each entry of the list',
      'site.yaml:31:19: channels[1].simulation.site_model.outputs: outputs is missing, allowed a list of {output, point_id}, as the channel has points of its own',
    ],
  },
  {
    what: 'secrets',
    files: {
      'site.yaml': `redis: {url: "redis://u:p@h"}
rediss: "redis://u:p@h"
channels: []`,
    },
    problems: [
      'site.yaml:2:1: rediss: unknown key, allowed site, timezone, defaults, watch_files, keep_configurations, service_ports, history, channels, templates, models, aliases, rules, notifications, forwarding, tokenization, meters, name, global_config, file_watch_enabled, csv_base_path, version, description, service, api, redis, logging, lua_sync or command_trigger; did you mean redis?',
    ],
  },
];

describe('problems of the site file', () => {
  for (const { what, files, problems } of CASES) {
    it(`are all told: ${what}`, async () => {
      assert.deepEqual(await linesOf(files), problems);
    });
  }
});
