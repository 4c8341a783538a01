import assert from 'node:assert/strict';
import { buildHttpApp, type HttpApp } from '../../../facade/http/app.js';
import { FakeClient } from '../../support/fake-client.js';
import { WALLET } from '../../support/meter.js';

const TIMES = [
  '',
  'now',
  'NaN',
  'Infinity',
  '-1',
  '1.5',
  '1e400',
  '9007199254740993',
  '0x',
  '2026-01-01',
  '1,2',
  'null',
];
const FILTER: readonly (readonly [name: string, ...values: string[]])[] = [
  ['user', '', 'u'.repeat(129), '\u0000', 'a\nb', "a\u0007'; DROP TABLE ledger_v1_by_user"],
  ['wallet', '', 'abc', '0'.repeat(44), `${WALLET}1`, `${WALLET.slice(0, -1)}'`, '%', "' OR 1=1 --", '😀'.repeat(40)],
  ['meter', '', ' ', '-a', 'a b', 'ä', 'm'.repeat(65), "a'", 'a\\', 'a/b', '../..', '*', '%'],
  ['from', ...TIMES],
  ['to', ...TIMES],
  ['users', 'anna'],
  ['__proto__', 'x'],
];
const QUERIES: Readonly<Record<string, readonly (readonly [name: string, ...values: string[]])[]>> = {
  readings: [
    ...FILTER,
    ['status', '', 'Minted', 'lost', 'minted,held', '0', '*'],
    ['order', '', 'asc', 'NEWEST', 'random()'],
    ['limit', '', '0', '-1', '1001', '1.5', '1e9', 'all', 'NaN'],
    ['cursor', 'c'.repeat(1_025)],
  ],
  accounts: [
    ...FILTER,
    ['by', '', 'Meter', 'status', '*', 'id FROM x'],
    ['text', '', 't'.repeat(129)],
    ['limit', '0', '1001', 'all'],
    ['cursor', 'c'.repeat(1_025)],
    ['status', 'minted'],
  ],
  totals: [...FILTER, ['status', 'minted'], ['limit', '1']],
  export: [...FILTER, ['status', '', 'lost'], ['limit', '1'], ['reader', 'x']],
};
const PATHS = [
  ...['METER_1/x', 'METER_1/-1', 'METER_1/1.5', 'METER_1/1e400', 'METER_1/9007199254740993', 'METER_1/%00'],
  ...[
    'a%20b/1',
    '-a/1',
    `${'m'.repeat(65)}/1`,
    '%E0%A4%A/1',
    '%2e%2e/1',
    "a'/1",
    'METER_1/1?user=',
    'METER_1/1?limit=1',
  ],
];

describe('Hostile queries of the ledger', () => {
  let http: HttpApp;
  before(async () => {
    http = buildHttpApp({ client: new FakeClient(), host: '127.0.0.1' });
    await http.ready();
  });
  after(() => http.close());

  const urls = [
    ...Object.entries(QUERIES).flatMap(([path, fields]) => [
      ...fields.flatMap(([name, ...values]) => values.map((value) => `${path}?${name}=${encodeURIComponent(value)}`)),
      ...['user=a&user=b', 'from=1&from=2', 'user[]=a', 'user[$ne]=a'].map((query) => `${path}?${query}`),
    ]),
    ...PATHS.map((path) => `readings/${path}`),
  ];

  it('are more than a hundred', () => assert.ok(urls.length >= 100, `${urls.length}`));

  it('are each refused with a 4xx that says what is wrong', async () => {
    for (const path of ['readings', 'accounts', 'totals', 'export', 'readings/METER_1/1'])
      assert.equal((await http.inject(`/api/v1/ledger/${path}?user=user1`)).statusCode, 200, path);
    const letIn: string[] = [];
    for (const url of urls) {
      const answer = await http.inject(`/api/v1/ledger/${url}`);
      if (answer.statusCode < 400 || answer.statusCode > 499) letIn.push(`${answer.statusCode} ${url}`);
      else assert.match(answer.json<{ error: { code: string } }>().error.code, /^(http|ledger)\.[a-z_]+$/, url);
    }
    assert.deepEqual(letIn, []);
  });
});
