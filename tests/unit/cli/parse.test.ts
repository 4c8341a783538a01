import assert from 'node:assert/strict';
import { InvalidArgumentError } from 'commander';
import {
  parseAddress,
  parseModelValue,
  parseChannel,
  parseCount,
  parseKind,
  parseLimit,
  parseRef,
  parseSeconds,
  parseTime,
  parseWriteValue,
} from '../../../cli/parse.js';
import { NOW } from './support.js';

/** Every text must be refused, with a sentence that says what is allowed. */
function refuses(parse: (text: string) => unknown, ...texts: readonly string[]): void {
  for (const text of texts) {
    assert.throws(
      () => parse(text),
      (error) => error instanceof InvalidArgumentError && error.message.startsWith('Allowed'),
      JSON.stringify(text),
    );
  }
}

describe('cli arguments', () => {
  it('reads point addresses with and without prefix', () => {
    assert.deepEqual(parseAddress('comsrv:1001:T:1'), { channel: 1001, kind: 'T', id: 1 });
    assert.deepEqual(parseAddress('7:A:12'), { channel: 7, kind: 'A', id: 12 });
    refuses(parseAddress, '', '1001', '1001:X:1', '1001:T:0', '0:T:1', '1001:t:1', 'x:1001:T:1');
  });

  it('reads addresses of points of models, and what is written to them', () => {
    assert.deepEqual(parseAddress('model:roof-1:power'), { model: 'roof-1', point: 'power' });
    refuses(parseAddress, 'model:roof', 'model::power', 'model:roof:1power', 'model:a b:power');
    const values = ['-4.5', 'ON', 'false', '1', 'day'].map((text) => parseModelValue(text, false));
    assert.deepEqual(values, [-4.5, 1, 0, 1, 'day']);
    assert.equal(parseModelValue('7', true), '7');
  });

  it('reads kinds in any case', () => {
    assert.equal(parseKind('t'), 'T');
    assert.equal(parseKind('A'), 'A');
    refuses(parseKind, '', 'X', 'TS');
  });

  it('reads whole numbers within their bounds', () => {
    assert.equal(parseChannel('4294967295'), 4_294_967_295);
    assert.equal(parseLimit('10000'), 10_000);
    assert.equal(parseCount('1'), 1);
    refuses(parseChannel, '', '0', '4294967296', '1.5', '-1', '1e3', ' 1');
    refuses(parseLimit, '0', '10001');
    refuses(parseCount, '0', '9007199254740993');
  });

  it('reads seconds as milliseconds', () => {
    assert.equal(parseSeconds('0.001'), 1);
    assert.equal(parseSeconds('60'), 60_000);
    refuses(parseSeconds, '', ' ', '0', '60.1', '5s', 'Infinity');
  });

  it('reads actor references', () => {
    assert.equal(parseRef('mint-batch/2026-05'), 'mint-batch/2026-05');
    refuses(parseRef, '', 'channel', 'channel/', '/1', 'Channel/1', 'a/b/c', 'channel/1 2');
  });

  it('reads times: now, spans back, ISO 8601', () => {
    assert.equal(parseTime('now', NOW), NOW);
    assert.equal(parseTime('-90s', NOW), NOW - 90_000);
    assert.equal(parseTime('-15m', NOW), NOW - 900_000);
    assert.equal(parseTime('-1h', NOW), NOW - 3_600_000);
    assert.equal(parseTime('-7d', NOW), NOW - 7 * 86_400_000);
    assert.equal(parseTime('-2w', NOW), NOW - 14 * 86_400_000);
    assert.equal(parseTime('2026-05-01T12:00:00Z'), NOW);
    assert.equal(parseTime('2026-05-01T14:00:00.250+02:00'), NOW + 250);
    assert.equal(parseTime('2026-05-01T12:00'), new Date(2026, 4, 1, 12).getTime());
    assert.equal(parseTime('2026-05-01'), new Date(2026, 4, 1).getTime());
    refuses(parseTime, '', 'yesterday', '-1y', '1h', '-h', '2026-13-01', '2026-05-01 12:00', '12:00');
  });

  it('reads values to write by the kind of their point', () => {
    assert.equal(parseWriteValue('C', 'ON', false), true);
    assert.equal(parseWriteValue('C', '0', false), false);
    assert.equal(parseWriteValue('A', '-4.5e1', false), -45);
    assert.equal(parseWriteValue('A', '+.5', false), 0.5);
    assert.equal(parseWriteValue('A', '007', true), '007');
    refuses((text) => parseWriteValue('C', text, false), '', '2', 'yes');
    refuses((text) => parseWriteValue('A', text, false), '', 'on', '1e999', '0x10', '1,5', 'NaN');
  });
});
