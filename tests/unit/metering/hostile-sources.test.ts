import assert from 'node:assert/strict';
import { buildHttpApp, type HttpApp } from '../../../facade/http/app.js';
import { FakeClient } from '../../support/fake-client.js';
import { WALLET } from '../../support/meter.js';

const SOURCE = { channel: 1001, point: 1, unit: 'kWh', rollover: 1_000_000, intervalSecs: 900 };
const METER = { id: 'METER_7', wallet: WALLET, user: 'anna', source: SOURCE };
const NUMBERS = [0, -1, -0.5, 1.5, 1e300, 2 ** 53, 2 ** 32, '1', 'NaN', '', null, true, [], {}, [1]];

/** Each one by itself makes a good field of the source a wrong one. */
const SOURCES: readonly (readonly [field: string, ...values: unknown[]])[] = [
  ['channel', ...NUMBERS],
  ['point', ...NUMBERS],
  ['unit', 'kwh', 'KWH', 'J', 'W', 'kW', ' kWh', 'kWh ', '', 'x'.repeat(5_000), '__proto__', 1, null, true, [], {}],
  ['rollover', 0, -1, -1e-9, 1e-20, 1e11, 1e308, 2 ** 64, '1000', 'Infinity', '', null, true, [], {}],
  ['intervalSecs', 0, -900, 7, 1.5, 86_401, 1e300, 50_000, '900', 'PT15M', '', null, true, [], {}],
  ['counter', 'T:1'],
  ['kind', 'C'],
  ['__proto__x', 1],
];
const WHOLE = [
  'comsrv:1001:T:1',
  1001,
  true,
  null,
  [],
  [SOURCE],
  {},
  { channel: 1001 },
  { ...SOURCE, unit: undefined },
];
const METERS: readonly (readonly [field: string, ...values: unknown[]])[] = [
  ['id', '', ' ', 'a b', '-a', 'ä', 'a/b', 'a>', 'm'.repeat(65), '../..', 'a\nb', 1, null, [], {}],
  ['wallet', '', 'x', '0'.repeat(44), WALLET.slice(0, 31), `${WALLET}1`, 1, null, {}],
  ['user', '', 'u'.repeat(129), 'a\u0000b', 'a\nb', '\u007f', '\ud800', '\udc00x', 1, null, [], {}],
  ['publicKey', WALLET, '', 'x', 1, null],
];

describe('Hostile registrations of meters', () => {
  let http: HttpApp;
  let client: FakeClient;
  before(async () => {
    client = new FakeClient();
    http = buildHttpApp({ client, host: '127.0.0.1' });
    await http.ready();
  });
  after(() => http.close());

  function post(payload: string) {
    return http.inject({
      ...{ method: 'POST', url: '/api/v1/meters', payload },
      headers: { 'content-type': 'application/json' },
    });
  }

  const hostile: [string, string][] = [
    ...SOURCES.flatMap(([field, ...values]) =>
      values.map((value): [string, unknown] => [
        `source.${field}`,
        { ...METER, source: { ...SOURCE, [field]: value } },
      ]),
    ),
    ...WHOLE.map((source): [string, unknown] => ['source', { ...METER, source }]),
    ...METERS.flatMap(([field, ...values]) =>
      values.map((value): [string, unknown] => [field, { ...METER, [field]: value }]),
    ),
    ['neither', { ...METER, source: undefined }] as [string, unknown],
  ].map(([what, body]) => [`${what}: ${JSON.stringify(body)}`.slice(0, 300), JSON.stringify(body)]);
  for (const [name, text] of [
    ['NaN', 'NaN'],
    ['1e999', '1e999'],
    ['-1e999', '-1e999'],
  ] as const)
    hostile.push([`rollover as ${name}`, JSON.stringify(METER).replace('1000000', text)]);

  it('are more than a hundred', () => assert.ok(hostile.length >= 100, `${hostile.length}`));

  it('are each refused with a 4xx that says what is wrong, and register nothing', async () => {
    for (const [what, body] of hostile) {
      const answer = await post(body);
      assert.ok(answer.statusCode >= 400 && answer.statusCode < 500, `${what}: ${answer.statusCode} ${answer.body}`);
      const { error } = answer.json<{ error: { code: string; message: string } }>();
      assert.match(error.code, /^(meters|http)\.[a-z_]+$/, what);
      assert.ok(error.message.length > 0 && error.message.length < 2_000, `${what}: ${error.message.length}`);
    }
    assert.equal(client.metering.meters.size, 0);
    assert.equal((await post(JSON.stringify(METER))).statusCode, 201);
    assert.deepEqual(client.metering.meters.get('METER_7')?.source, SOURCE);
  });
});
