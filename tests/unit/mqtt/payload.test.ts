import assert from 'node:assert/strict';
import { commandPayload, Payload, readPayload, type Reading } from '../../../protocols/mqtt/payload.js';
import type { MqttMapping } from '../../../site/channels/mqtt.js';
import { BAD, GOOD, STALE, type PointDefinition } from '../../../site/points.js';
import { point } from '../channel/support.js';

const PLAIN: MqttMapping = { topic: 't', timeUnit: 'ms', command: '{value}', staleAfterMs: 0 };

function read(text: string, some: Partial<MqttMapping> = {}, points: Partial<PointDefinition> = {}): Reading {
  return readPayload(new Payload(Buffer.from(text)), { ...PLAIN, ...some }, point({ id: 1, ...points }));
}
function refused(text: string, some: Partial<MqttMapping> = {}, points: Partial<PointDefinition> = {}): string {
  let message = '';
  assert.throws(
    () => read(text, some, points),
    (error: Error & { code?: string }) => {
      message = error.message;
      return error.code === 'protocol.payload_invalid';
    },
  );
  return message;
}

describe('payloads of an MQTT channel', () => {
  it('are numbers as text', () => {
    for (const [text, raw] of [
      ['12.5', 12.5],
      [' -3e2\n', -300],
      ['.5', 0.5],
      ['0', 0],
    ] as const)
      assert.deepEqual(read(text), { raw, time: undefined, quality: GOOD });
    for (const text of ['', 'NaN', 'Infinity', '0x10', '1,5', 'on', '{"a":1}', '1e999'])
      if (text !== '1e999') assert.match(refused(text), /allowed a number$/, text);
    assert.match(refused('x'.repeat(500)), /^found "x{59}…", allowed a number$/);
  });

  it('are states in the usual words and the point’s own', () => {
    const state = { kind: 'S', dataType: 'bool' } as const;
    for (const text of ['1', 'true', 'ON', 'On']) assert.equal(read(text, {}, state).raw, 1, text);
    for (const text of ['0', 'false', 'off']) assert.equal(read(text, {}, state).raw, 0, text);
    assert.equal(read('OPEN', { on: 'OPEN', off: 'CLOSED' }, state).raw, 1);
    assert.equal(read('CLOSED', { on: 'OPEN', off: 'CLOSED' }, state).raw, 0);
    assert.equal(read('true', {}, { dataType: 'bool' }).raw, 1);
    refused('open', { on: 'OPEN' }, state);
  });

  it('are values within JSON', () => {
    const json = '{"power":{"value":"4.5"},"phases":[1,true],"text":"abc","none":null}';
    assert.equal(read(json, { value: ['power', 'value'] }).raw, 4.5);
    assert.equal(read(json, { value: ['phases', 0] }).raw, 1);
    assert.equal(read(json, { value: ['phases', 1] }, { kind: 'S' }).raw, 1);
    assert.equal(read(json, { value: ['text'] }, { dataType: 'string' }).raw, 'abc');
    assert.equal(read(json, { value: ['phases', 0] }, { dataType: 'string' }).raw, '1');
    assert.equal(refused(json, { value: ['missing'] }), 'found nothing, allowed a number');
    assert.equal(refused(json, { value: ['none'] }), 'found "null", allowed a number');
    assert.equal(refused(json, { value: ['phases'] }, { dataType: 'string' }), 'found "[1,true]", allowed a text');
    assert.equal(refused('{', { value: ['a'] }), 'found "{", allowed JSON');
    assert.equal(read('hello', {}, { dataType: 'string' }).raw, 'hello');
  });

  it('carry their time', () => {
    const timeOf = (time: unknown, timeUnit: MqttMapping['timeUnit'] = 'ms') =>
      read(JSON.stringify({ v: 1, at: time }), { value: ['v'], time: ['at'], timeUnit }).time;
    const at = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
    assert.equal(timeOf(at), at);
    assert.equal(timeOf(String(at)), at);
    assert.equal(timeOf(at / 1000, 's'), at);
    assert.equal(timeOf(at * 1000, 'us'), at);
    assert.equal(timeOf(at * 1e6, 'ns'), at);
    assert.equal(timeOf('2026-01-02T04:04:05.678+01:00'), at);
    for (const wrong of [null, 0, -1, 'yesterday', true, 1e300])
      assert.match(refused(JSON.stringify({ v: 1, at: wrong }), { value: ['v'], time: ['at'] }), /allowed a time$/);
  });

  it('carry their quality', () => {
    const qualityOf = (quality: unknown) =>
      read(JSON.stringify({ v: 1, q: quality }), { value: ['v'], quality: ['q'] }).quality;
    for (const good of [true, 1, 192, 255, 'GOOD', 'ok', 'valid']) assert.equal(qualityOf(good), GOOD, String(good));
    for (const stale of [64, 191, 'uncertain', 'Stale']) assert.equal(qualityOf(stale), STALE, String(stale));
    for (const bad of [false, 0, 2, 63, 256, 'bad', '', null, {}])
      assert.equal(qualityOf(bad), BAD, JSON.stringify(bad));
    assert.equal(read('{"v":1}', { value: ['v'], quality: ['q'] }).quality, BAD, 'none where one is meant');
  });

  it('of writes are the value, or what holds it', () => {
    const sent = (some: Partial<MqttMapping>, raw: number | string, state = false) =>
      commandPayload({ ...PLAIN, ...some }, raw, state, 1234);
    assert.equal(sent({}, 12.5), '12.5');
    assert.equal(sent({}, 1, true), '1');
    assert.equal(sent({ on: 'OPEN', off: 'CLOSED' }, 0, true), 'CLOSED');
    assert.equal(sent({}, 'say "hi"'), 'say "hi"');
    const command = '{"set":{value},"at":{time}}';
    assert.equal(sent({ command }, -1.5), '{"set":-1.5,"at":1234}');
    assert.equal(sent({ command }, 'say "hi"'), '{"set":"say \\"hi\\"","at":1234}');
    assert.equal(sent({ command, on: 'OPEN' }, 1, true), '{"set":"OPEN","at":1234}');
    assert.equal(sent({ command, on: 'true' }, 1, true), '{"set":true,"at":1234}');
    assert.equal(sent({ command }, '$& {time}'), '{"set":"$& {time}","at":1234}');
  });
});
