import assert from 'node:assert/strict';
import { collect } from '../../../actors/models/hub.js';
import { sitePoints } from '../../../site/expressions/index.js';
import { buildRule, defineRule } from '../../../site/rules/build.js';
import { linesOf, loadFiles } from '../../support/config.js';

const SITE = `
site: Test
channels:
  - id: 1001
    name: Battery
    protocol: virtual
    points:
      - { id: 1, name: Temperature, unit: °C }
      - { id: 2, name: Maker, data_type: string }
      - { id: 1, kind: C, name: Fan }
      - { id: 1, kind: A, name: Limit, unit: kW, min: 0, max: 50 }
`;
/** A device, a channel that a pattern feeds, and a model without a mapping. */
const RELAY = `
  - id: 1002
    protocol: modbus
    address: 127.0.0.1:502
    points: [{ id: 1, kind: A, name: Limit, function_code: 3, register_address: 1 }]
  - id: 1003
    protocol: virtual
    simulation: { patterns: [{ type: constant, point_id: 1, value: 1 }] }
    points: [{ id: 1, name: Ramp }]
models:
  - { id: roof, template: pv_inverter, parameters: { rated_power: 1000 } }
`;
const load = (rest: string) => loadFiles({ 'site.yaml': SITE + rest });
const problems = (rest: string) => linesOf({ 'site.yaml': SITE + rest });

describe('rules of a site', () => {
  it('may have groups of conditions, interlocks, and clear alarms of others', async () => {
    const { rules, timeZone } = await load(`
timezone: Europe/Berlin
rules:
  - id: hot
    condition: { any: ['1001:T:1 > 80', '1001:T:1 > 60 and between(22:00, 06:00)'] }
    actions:
      - { type: write, point: 1001:C:1, value: 1, interlock: 'not 1001:C:1' }
      - { type: clear_alarm, rule: cold, on: returns }
      - { type: clear_alarm, source: cells }
`);
    assert.equal(timeZone, 'Europe/Berlin');
    const moment = { on: 'fires', onFailure: 'stop' };
    assert.equal(rules[0]?.expression, 'any(\n  1001:T:1 > 80,\n  1001:T:1 > 60 and between(22:00, 06:00)\n)');
    assert.deepEqual(rules[0]?.actions, [
      { ...moment, type: 'write', point: 'comsrv:1001:C:1', value: 1, interlock: 'not 1001:C:1' },
      { ...moment, type: 'clearAlarm', source: 'rule:cold', ruleId: 'cold', on: 'returns' },
      { ...moment, type: 'clearAlarm', source: 'cells' },
    ]);
    const { channels } = await load('');
    const parts = { points: sitePoints({ channels }), channels, models: [], otherModels: false };
    for (const rule of rules) assert.deepEqual(buildRule(defineRule(rule), parts, collect([])), rule);
  });

  it('may set what nothing feeds, and start and stop simulations', async () => {
    const site = await load(`
${RELAY}
aliases: { target: '1001:A:1' }
rules:
  - id: hot
    condition: 1001:T:1 > 80
    actions:
      - { type: set, point: target, value: 7 }
      - { type: set, point: 1001:C:1, value: 1001:T:1 > 90, on: returns }
      - { type: set, model: roof, point: active_power, value: 1001:T:1 * 2 }
      - { type: simulate, channel: 1001 }
      - { type: simulate, channel: 1001, command: stop, on_failure: continue }
`);
    const { rules, models, channels } = site;
    const moment = { on: 'fires', onFailure: 'stop' };
    assert.deepEqual(rules[0]?.actions, [
      { ...moment, type: 'set', point: 'comsrv:1001:A:1', value: 7 },
      { ...moment, type: 'set', point: 'comsrv:1001:C:1', value: '1001:T:1 > 90', on: 'returns' },
      { ...moment, type: 'set', model: 'roof', point: 'active_power', value: '1001:T:1 * 2' },
      { ...moment, type: 'simulate', channel: 1001, command: 'start' },
      { ...moment, type: 'simulate', channel: 1001, command: 'stop', onFailure: 'continue' },
    ]);
    const parts = { points: sitePoints(site, site.aliases), channels, models, otherModels: false };
    for (const rule of rules) assert.deepEqual(buildRule(defineRule(rule), parts, collect([])), rule);
  });

  it('are told what cannot be set or simulated, and with which values', async () => {
    const found = await problems(`
${RELAY}
rules:
  - id: hot
    condition: 1001:T:1 > 80
    actions:
      - { type: set, point: 1001:T:2, value: 7 }
      - { type: set, point: 1002:A:1, value: 7 }
      - { type: set, point: 1001:A:1, value: 70 }
      - { type: set, point: 1001:A:1, value: 'avg(1001:T:1, 5m)' }
      - { type: set, point: 1001:C:1, value: 1001:T:1 + 1 }
      - { type: set, model: cellar, point: active_power, value: 1 }
      - { type: set, model: roof, point: temper, value: 1 }
      - { type: set, point: 1001:A:9, value: 1 }
      - { type: simulate, channel: 1002 }
      - { type: simulate, channel: 7 }
      - { type: set, point: 1003:T:1, value: 1 }
`);
    const at = (index: number) => `rules\\[0\\]\\.actions\\[${index}\\]\\.`;
    for (const [index, expected] of [
      [0, 'point: found "1001:T:2", which something else feeds, or whose value is text, allowed a number of a virtual'],
      [1, 'point: found "1002:A:1", of a device, allowed'],
      [2, 'value: found 70, allowed 0 to 50'],
      [3, 'value: found avg, allowed what is known at the moment'],
      [4, 'value: at 1:1 of it, found a number'],
      [5, 'model: found "cellar", which is no model of the site file'],
      [6, 'point: found "temper", which is no point of it, allowed a point of roof'],
      [7, 'point: found "1001:A:9", which is no point'],
      [8, 'channel: found 1002, whose protocol is modbus, allowed a virtual channel: 1001, 1003'],
      [9, 'channel: found 7, which is no channel'],
      [10, 'point: found "1003:T:1", which something else feeds'],
    ] as const) {
      const pattern = new RegExp(at(index) + expected);
      assert.ok(
        found.some((line) => pattern.test(line)),
        `${pattern.source}\n${found.join('\n')}`,
      );
    }
  });

  it('are refused when an interlock or a member of a group is wrong', async () => {
    const found = await problems(`
timezone: Middle/Earth
rules:
  - id: hot
    condition: { all: ['1001:T:1 > 80', '1001:T:1 >'] }
    actions:
      - { type: write, point: 1001:C:1, value: 1, interlock: 'held(1001:C:1, 5s)' }
      - { type: write, point: 1001:C:1, value: 1, interlock: '1001:T:1 + 1' }
`);
    for (const expected of [
      /timezone: found "Middle\/Earth", allowed a name such as Europe\/Berlin or UTC/,
      /rules\[0\]\.condition\.all\[1\]: at 1:11 of it, found the end/,
      /rules\[0\]\.actions\[0\]\.interlock: found held, allowed what is known at the moment of the write/,
      /rules\[0\]\.actions\[1\]\.interlock: at 1:1 of it, found a number/,
    ]) {
      assert.ok(
        found.some((line) => expected.test(line)),
        `${expected.source}\n${found.join('\n')}`,
      );
    }
  });

  it('are none when none are given', async () => {
    const site = await load('');
    assert.deepEqual([site.rules, site.aliases], [[], {}]);
  });

  it('are read with their defaults, ascending by id, with points by address', async () => {
    const { rules, aliases } = await load(`
aliases: { battery_temperature: '1001:T:1', fan: comsrv:1001:C:1 }
rules:
  - id: hot
    condition: held(battery_temperature > 80, 10s)
    actions: [{ type: write, point: fan, value: 1 }]
  - id: cold
    name: Too cold
    description: protects the cells
    enabled: false
    priority: 5
    condition: |
      'Battery/Temperature' < 5
      and quality(1001:T:1) == good
    hold_ms: 1000
    cooldown_ms: 60000
    deadband: 0.5
    actions:
      - { type: write, point: Battery/Limit, value: 10, on_failure: continue }
      - { type: webhook, url: 'https://example.org/hook', body: { text: cold } }
      - { type: publish, subject: site.cold, on: returns }
      - { type: alarm, level: Minor, group: cells }
      - { type: alarm, level: Major, title: Freezing, source: cells, clears: false }
`);
    assert.deepEqual(aliases, { battery_temperature: 'comsrv:1001:T:1', fan: 'comsrv:1001:C:1' });
    assert.deepEqual(rules, [
      {
        ...{ id: 'cold', name: 'Too cold', description: 'protects the cells', enabled: false, priority: 5 },
        expression: "'Battery/Temperature' < 5\nand quality(1001:T:1) == good\n",
        ...{ holdMs: 1000, cooldownMs: 60000, deadband: 0.5 },
        actions: [
          { type: 'write', point: 'comsrv:1001:A:1', value: 10, on: 'fires', onFailure: 'continue' },
          { type: 'webhook', url: 'https://example.org/hook', body: { text: 'cold' }, on: 'fires', onFailure: 'stop' },
          { type: 'publish', subject: 'site.cold', on: 'returns', onFailure: 'stop' },
          {
            ...{ type: 'raiseAlarm', on: 'fires', onFailure: 'stop' },
            alarm: { source: 'rule:cold', level: 'Minor', title: 'Too cold', group: 'cells' },
          },
          { type: 'clearAlarm', source: 'rule:cold', on: 'returns', onFailure: 'stop' },
          {
            ...{ type: 'raiseAlarm', on: 'fires', onFailure: 'stop' },
            alarm: { source: 'cells', level: 'Major', title: 'Freezing' },
          },
        ],
      },
      {
        ...{ id: 'hot', name: 'hot', description: '', enabled: true, priority: 0 },
        expression: 'held(battery_temperature > 80, 10s)',
        ...{ holdMs: 0, cooldownMs: 0, deadband: 0 },
        actions: [{ type: 'write', point: 'comsrv:1001:C:1', value: 1, on: 'fires', onFailure: 'stop' }],
      },
    ]);
  });

  it('are refused with the place of every mistake', async () => {
    const found = await problems(`
aliases: { gone: '1001:T:9' }
rules:
  - id: hot
    condition: 1001:T:1 > 80
    actions:
      - { type: mail, to: x }
      - { type: publish, subject: 'a.*' }
      - { type: publish, subject: cmd.1.channel.1 }
`);
    for (const expected of [
      /aliases\.gone: found "1001:T:9", allowed the points of kind T of channel 1001: 1, 2/,
      /rules\[0\]\.actions\[0\]\.type: found "mail", allowed write, set, simulate, webhook, publish, alarm or clear_alarm/,
      /rules\[0\]\.actions\[1\]\.subject: found "a\.\*"/,
      /rules\[0\]\.actions\[2\]\.subject: found "cmd\.1\.channel\.1"/,
    ]) {
      assert.ok(
        found.some((line) => expected.test(line)),
        `${expected.source}\n${found.join('\n')}`,
      );
    }
    const second = await problems(`
rules:
  - { id: hot, condition: 'temperatur > 80', actions: [{ type: write, point: 1001:C:1, value: 2 }] }
  - id: hot
    condition: 1001:T:1 > 80 and
    actions:
      - { type: write, point: 1001:T:1, value: 2 }
      - { type: write, point: 1001:A:1, value: 51 }
      - { type: write, point: nothing, value: 51 }
`);
    for (const expected of [
      /rules\[0\]\.condition: at 1:1 of it, found "temperatur", which is no point, allowed/,
      /rules\[0\]\.actions\[0\]\.value: found 2, allowed 0 or 1/,
      /rules\[1\]\.id: found "hot", which rules\[0\] has too, allowed each id once/,
      /rules\[1\]\.condition: at 1:18 of it, found the end, allowed/,
      /rules\[1\]\.actions\[0\]\.point: found "1001:T:1", a point of kind T, allowed a number of kind C or A/,
      /rules\[1\]\.actions\[1\]\.value: found 51, allowed 0 to 50/,
      /rules\[1\]\.actions\[2\]\.point: found "nothing", which is no point/,
    ]) {
      assert.ok(
        second.some((line) => expected.test(line)),
        `${expected.source}\n${second.join('\n')}`,
      );
    }
  });
});
