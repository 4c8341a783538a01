import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import type { ReadingResult } from '../../../actors/client/metering.js';
import { buildHttpApp, type HttpApp } from '../../../facade/http/app.js';
import { MAX_READING_ENERGY } from '../../../site/metering/reading-bytes.js';
import { FakeClient } from '../../support/fake-client.js';
import { WALLET } from '../../support/meter.js';
import { SigningMeter } from '../../support/signed-readings.js';

const meter = new SigningMeter('METER_001', 1_767_225_600_000);
const good = meter.next('1.25');
const { signature } = good;

const DIGITS = 'x'.repeat(5_000);
/** Each one by itself makes a good reading a wrong one. */
const FIELDS: readonly (readonly [field: string, ...values: unknown[]])[] = [
  [
    'kwh',
    ...[
      'NaN',
      'Infinity',
      '-Infinity',
      '-1',
      '-0',
      '+1',
      '1e308',
      '1e-9',
      '1E3',
      '0x10',
      '1,5',
      '1_000',
      ' 1',
      '1 ',
      '',
    ],
    ...['1.', '.5', '01', '00', '1..2', '1.2.3', '١', '1.0000000001', '0.00000000001', '½', 'null', 'true', DIGITS],
    ...['9'.repeat(64), '9'.repeat(65), `${MAX_READING_ENERGY}`, '18446744073.709551616'],
    ...[1, 1.5, -1, 0, null, true, [], {}, ['1'], { value: '1' }],
  ],
  ['sequence', -1, 1.5, 2 ** 53, 1e300, '1', null, true, [], {}, '-1'],
  ['start', -1, 1.5, 2 ** 53, 1e300, '0', null, good.end, good.end + 1],
  ['end', -1, 0, good.start, 1.5, 2 ** 53, '0', null, '2026-01-01T00:00:00Z'],
  ['meter', '', ' ', 'a b', '-a', '.', 'ä', 'm'.repeat(65), 'a\nb', 'a/b', 'a*', 'a>', '../..', 1, null, [], {}],
  [
    'signature',
    ...['', 'test_signature', 'x', signature.slice(0, -2), `${signature}1`, signature.replace(/./, '0')],
    ...['0'.repeat(127), 'z'.repeat(128), 'l'.repeat(88), `${'A'.repeat(85)}==`, null, 1, [], {}],
  ],
  ['wallet', '', 'x', '0'.repeat(44), WALLET.slice(0, 31), `${WALLET}1`, 1, null, {}],
  ['__proto__x', 1],
  ['user', 'admin'],
  ['tokens', '1000000'],
];

describe('Hostile readings', () => {
  let http: HttpApp;
  before(async () => {
    http = buildHttpApp({ client: new FakeClient(), host: '127.0.0.1' });
    await http.ready();
  });
  after(() => http.close());

  function post(url: string, payload: string, type = 'application/json') {
    return http.inject({ method: 'POST', url, headers: { 'content-type': type }, payload });
  }

  const hostile: [string, string][] = FIELDS.flatMap(([field, ...values]) =>
    values.map((value): [string, string] => [
      `${field}: ${JSON.stringify(value).slice(0, 40)}`,
      JSON.stringify({ ...good, [field]: value }),
    ]),
  );
  for (const field of Object.keys(good)) {
    hostile.push([`without ${field}`, JSON.stringify({ ...good, [field]: undefined })]);
  }
  const bodies: [string, string][] = [
    '',
    'null',
    'true',
    '1',
    '"x"',
    '[]',
    '[1]',
    '{}',
    '{"a":',
    'NaN',
    '\u0000',
    '[[[[',
  ].map((body) => [`the body ${JSON.stringify(body)}`, body]);
  bodies.push(['NaN as a number', JSON.stringify(good).replace('"1.25"', 'NaN')]);
  bodies.push(['1e999 as a number', JSON.stringify(good).replace('"sequence":1', '"sequence":1e999')]);
  bodies.push(['deep nesting', '['.repeat(50_000) + ']'.repeat(50_000)]);
  bodies.push(['a prototype', `{"__proto__": {"meter": "x"}, ${JSON.stringify(good).slice(1)}`]);
  bodies.push(['50 MB', ' '.repeat(50 * 1024 * 1024)]);

  it('are more than a hundred', () => assert.ok(hostile.length + bodies.length >= 100));

  it('are each refused with a 4xx that says what is wrong', async () => {
    assert.equal((await post('/api/v1/readings', JSON.stringify(good))).statusCode, 201);
    for (const [what, body] of [...hostile, ...bodies]) {
      const answer = await post('/api/v1/readings', body);
      assert.ok(answer.statusCode >= 400 && answer.statusCode < 500, `${what}: ${answer.statusCode} ${answer.body}`);
      const { error } = answer.json<{ error: { code: string; message: string } }>();
      assert.match(error.code, /^(readings|http)\.[a-z_]+$/, what);
      assert.ok(error.message.length > 0 && error.message.length < 2_000, `${what}: ${error.message.length}`);
    }
  });

  it('in a batch are rejected one by one, and keep no other from being taken', async () => {
    const readings = hostile.map(([, body]) => JSON.parse(body) as unknown);
    const answer = await post('/api/v1/readings/batch', JSON.stringify({ readings: [good, ...readings, good] }));
    assert.equal(answer.statusCode, 200);
    const { results, accepted } = answer.json<{ results: ReadingResult[]; accepted: number }>();
    assert.deepEqual([accepted, results.at(0)?.verdict, results.at(-1)?.verdict], [2, 'accepted', 'accepted']);
    assert.ok(results.slice(1, -1).every(({ verdict, code }) => verdict === 'rejected' && code === 'readings.invalid'));
  });

  it('are refused as a whole where the request is none', async () => {
    for (const body of [
      '{}',
      '{"readings":[]}',
      '{"readings":{}}',
      '{"readings":1}',
      '[]',
      `{"readings":[${'1,'.repeat(10_000)}1]}`,
    ]) {
      assert.equal((await post('/api/v1/readings/batch', body)).statusCode, 400, body.slice(0, 40));
    }
    assert.equal((await post('/api/v1/readings/batch', ' '.repeat(5 * 1024 * 1024))).statusCode, 413);
    assert.equal((await post('/api/v1/readings', '<xml/>', 'text/xml')).statusCode, 415);
  });

  it('in a stream are lines like any other', async () => {
    const lines = hostile.map(([, body]) => body).filter((body) => body.length < 4_000);
    const answer = await http.inject({
      method: 'POST',
      url: '/api/v1/readings/stream',
      headers: { 'content-type': 'application/x-ndjson' },
      payload: Readable.from([...lines, JSON.stringify(good)].map((line) => `${line}\n`)),
    });
    const results = answer.body
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as ReadingResult);
    assert.equal(results.length, lines.length + 1);
    assert.deepEqual(new Set(results.slice(0, -1).map(({ code }) => code)), new Set(['readings.invalid']));
    assert.equal(results.at(-1)?.verdict, 'accepted');
  });

  it('in GridTokenX’s words too', async () => {
    const body = {
      wallet_address: WALLET,
      meter_id: 'METER_001',
      kwh_amount: 10,
      reading_timestamp: '2026-01-01T00:15:00Z',
      meter_signature: signature,
    };
    const hostileGrid: [string, unknown][] = [
      ...[-1, -0.5, 1e308, 1e21, 1e-7, '1e308', 'NaN', null, [], {}, true].map((value): [string, unknown] => [
        'kwh_amount',
        value,
      ]),
      ...['now', '', '2026-13-45T99:99:99Z', 0, null, '2026-01-01'].map((value): [string, unknown] => [
        'reading_timestamp',
        value,
      ]),
      ...['test_signature', '', null].map((value): [string, unknown] => ['meter_signature', value]),
    ];
    for (const [field, value] of hostileGrid) {
      const answer = await post('/api/meters/submit-reading', JSON.stringify({ ...body, [field]: value }));
      assert.ok(
        answer.statusCode >= 400 && answer.statusCode < 500,
        `${field} ${String(value)}: ${answer.statusCode} ${answer.body}`,
      );
    }
  });
});
