import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { createMeterKind } from '../../../actors/meter.js';
import { LocalMetering } from '../../../actors/meter/local-metering.js';
import { readJournalItems } from '../../support/meter-journal.js';
import type { MeterEvent } from '../../../actors/client/meter-watch.js';
import type { ReadingResult } from '../../../actors/client/metering.js';
import { createSystem, type ActorSystem } from '../../../actors/runtime/system.js';
import type { Bus } from '../../../bus/connection.js';
import { buildHttpApp, type HttpApp } from '../../../facade/http/app.js';
import type { LedgerRow } from '../../../site/minting/ledger.js';
import { TOKENIZATION_DEFAULTS, type Tokenization } from '../../../site/metering/tokenization.js';
import { WorkerPool } from '../../../workers/pool.js';
import { FakeClient } from '../../support/fake-client.js';
import { OTHER_WALLET, WALLET } from '../../support/meter.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { SigningMeter } from '../../support/signed-readings.js';
import { eventually } from '../../support/temp.js';

const HOUR = 3_600_000;

interface TestNode {
  readonly bus: Bus;
  readonly system: ActorSystem;
  readonly metering: LocalMetering;
  readonly http: HttpApp;
  stop(): Promise<void>;
}

describe('metering on a real server', () => {
  let nats: TestNats;
  let pool: WorkerPool;
  let node: TestNode;
  let settings: Tokenization = TOKENIZATION_DEFAULTS;
  /** What became of readings that meters remember no more. */
  let old: LedgerRow[] = [];
  let last: number | undefined;
  let number = 0;

  async function startNode(name: string): Promise<TestNode> {
    const bus = await nats.connect(name);
    const kind = createMeterKind();
    const system = createSystem({ bus, kinds: [kind], node: name });
    await system.start();
    const archive = { rows: () => Promise.resolve(old), last: () => Promise.resolve(last ?? 1_000_000) };
    const metering = new LocalMetering({ bus, system, kind, pool, settings: () => settings, archive });
    const client = new FakeClient();
    Object.assign(client, { metering });
    const http = buildHttpApp({ client, host: '127.0.0.1' });
    await http.ready();
    return {
      ...{ bus, system, metering, http },
      stop: async () => {
        await http.close();
        metering.stop();
        await system.stop();
        await bus.close();
      },
    };
  }

  before(async () => {
    nats = await startNats();
    pool = new WorkerPool({ threads: 2 });
    node = await startNode('n1');
  });
  after(async () => {
    await node.stop();
    await pool.close();
    await nats.stop();
  });
  beforeEach(() => {
    settings = TOKENIZATION_DEFAULTS;
    old = [];
    last = undefined;
  });

  /** A registered device whose readings begin a day ago. */
  async function device(user = 'anna'): Promise<SigningMeter> {
    const meter = new SigningMeter(`METER_${String((number += 1)).padStart(3, '0')}`, Date.now() - 24 * HOUR);
    await node.metering.register({ id: meter.id, publicKey: meter.publicKey, wallet: WALLET, user });
    return meter;
  }
  function post(url: string, payload: unknown): Promise<{ statusCode: number; json(): unknown }> {
    return node.http.inject({ method: 'POST', url: `/api/v1${url}`, payload: payload as object });
  }
  function codes(results: readonly ReadingResult[]): string[] {
    return results.map(({ verdict, code, duplicate }) => code ?? (duplicate === true ? `${verdict} again` : verdict));
  }

  it('registers meters, shows and lists them, also after a restart', async () => {
    const meter = await device('berta');
    assert.equal(
      (await post('/meters', { id: meter.id, publicKey: meter.publicKey, wallet: WALLET, user: 'berta' })).statusCode,
      201,
    );
    assert.equal(
      (await post('/meters', { id: meter.id, publicKey: meter.publicKey, wallet: OTHER_WALLET, user: 'berta' }))
        .statusCode,
      409,
    );
    await node.metering.submit([meter.next('2.5'), meter.next('0.5')]);
    const view = await node.metering.get(meter.id);
    assert.deepEqual(
      [view.state, view.user, view.readings, view.kwh, view.tokens],
      ['active', 'berta', 2, '3', '3000000000'],
    );
    await node.stop();
    node = await startNode('n1');
    assert.deepEqual(await node.metering.get(meter.id), view);
    assert.deepEqual(await node.metering.list({ user: 'berta' }), { meters: [view], nextCursor: null });
    const first = await node.metering.list({ limit: 1 });
    const other = await device('carl');
    const second = await node.metering.list({ limit: 1, cursor: first.nextCursor ?? first.meters[0]?.id ?? '' });
    assert.equal(second.meters[0]?.id, other.id);
    assert.deepEqual((await node.metering.list({ state: 'revoked' })).meters, []);
    await assert.rejects(node.metering.get('nobody'), { code: 'meters.not_found' });
  });

  it('takes readings once, whatever is sent again, and they stand in the journal', async () => {
    const meter = await device();
    const readings = Array.from({ length: 1_200 }, () => meter.next('0.001', {}, 60_000));
    const first = await node.metering.submit(readings);
    assert.deepEqual([first.accepted, first.duplicates, first.rejected, first.failed], [1_200, 0, 0, 0]);
    const again = await node.metering.submit(readings.slice(300).reverse());
    assert.deepEqual([again.accepted, again.duplicates], [900, 900]);
    const items = await readJournalItems(node.bus, meter.id);
    assert.deepEqual(
      items.map(({ sequence }) => sequence),
      readings.map(({ sequence }) => sequence),
    );
    // Page by page, as a user reads it.
    const seen: number[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await node.metering.readings(meter.id, cursor === undefined ? {} : { cursor });
      seen.push(...page.readings.map(({ sequence }) => sequence));
      cursor = page.nextCursor;
    }
    assert.deepEqual(
      seen,
      readings.map(({ sequence }) => sequence),
    );
  });

  it('verifies against the key that is registered now, whatever a node remembers', async () => {
    const other = await startNode('n2');
    try {
      const meter = await device();
      assert.deepEqual(codes((await other.metering.submit([meter.next()])).results), ['accepted']);
      const replaced = new SigningMeter(meter.id, Date.now() - 12 * HOUR);
      const reading = replaced.next('1', { sequence: 50 });
      assert.deepEqual(codes((await other.metering.submit([reading])).results), ['readings.bad_signature']);
      await node.metering.command(meter.id, { type: 'rotate', publicKey: replaced.publicKey });
      // The other node learns of it when something does not fit; the former key counts for a day.
      const former = meter.next('1', { sequence: 49 });
      const { results } = await other.metering.submit([reading, former]);
      assert.deepEqual(codes(results), ['accepted', 'accepted']);
    } finally {
      await other.stop();
    }
  });

  it('holds what is unusual until a person decides', async () => {
    settings = { ...TOKENIZATION_DEFAULTS, anomalyMinReadings: 5 };
    const meter = await device();
    await node.metering.submit(Array.from({ length: 5 }, () => meter.next('1')));
    const { results, held } = await node.metering.submit([meter.next('9')]);
    assert.deepEqual([held, codes(results)], [1, ['held']]);
    const [waiting] = await node.metering.held(meter.id);
    assert.deepEqual([waiting?.sequence, waiting?.kwh], [6, '9']);
    const released = await post(`/meters/${meter.id}/release`, { sequence: 6, by: 'carl' });
    assert.deepEqual([released.statusCode, (released.json() as { held: number }).held], [200, 0]);
    assert.deepEqual(
      (await readJournalItems(node.bus, meter.id)).map(({ sequence }) => sequence),
      [1, 2, 3, 4, 5, 6],
    );
    assert.equal((await post(`/meters/${meter.id}/release`, { sequence: 6, by: 'carl' })).statusCode, 409);
  });

  it('tells those who listen, by type, meter, amount and user, within 100 ms', async () => {
    const mine = await device('dora');
    const others = await device('emil');
    const abort = new AbortController();
    const heard: { at: number; event: MeterEvent }[] = [];
    const listening = (async () => {
      const filter = {
        event_types: ['MeterReadingReceived' as const],
        meters: [mine.id, others.id],
        min_amount: '5',
        user: 'dora',
      };
      for await (const { events } of node.metering.watch(filter, abort.signal)) {
        for (const event of events) heard.push({ at: performance.now(), event });
      }
    })();
    await node.bus.nats.flush();
    const before = performance.now();
    const wrong = { ...mine.next('10.5'), signature: others.next('6').signature };
    await node.metering.submit([mine.next('10.5'), mine.next('1'), others.next('10'), wrong]);
    await eventually(() => heard[0], { what: 'the event' });
    abort.abort();
    await listening;
    assert.equal(heard.length, 1);
    const { type, user_id, wallet_address, meter_id, kwh_amount } = heard[0]?.event as MeterEvent;
    assert.deepEqual(
      [type, user_id, wallet_address, meter_id, kwh_amount],
      ['MeterReadingReceived', 'dora', WALLET, mine.id, '10.5'],
    );
    assert.ok((heard[0]?.at ?? 0) - before < 1_000);
  });

  it('tells what was validated, at once or when a person lets it through', async () => {
    const meter = await device('fay');
    settings = { ...settings, anomalyMinReadings: 5, anomalyDeviations: 3 };
    const abort = new AbortController();
    const heard: MeterEvent[] = [];
    const listening = (async () => {
      for await (const { events } of node.metering.watch({ meters: [meter.id] }, abort.signal)) heard.push(...events);
    })();
    await node.bus.nats.flush();
    await node.metering.submit([...Array.from({ length: 5 }, () => meter.next('1')), meter.next('50')]);
    await node.metering.command(meter.id, { type: 'release', sequence: 6, by: 'carl' });
    const released = await eventually(
      () => heard.find(({ type, sequence }) => type === 'MeterReadingValidated' && sequence === 6),
      { what: 'the event' },
    );
    abort.abort();
    await listening;
    const { user_id, kwh_amount, tokens } = released;
    assert.deepEqual([user_id, kwh_amount, tokens], ['fay', '50', '50000000000']);
    const types = heard.filter(({ sequence }) => sequence !== 6).map(({ type }) => type);
    assert.deepEqual(types, new Array(5).fill(['MeterReadingReceived', 'MeterReadingValidated']).flat());
    const held = heard.filter(({ sequence }) => sequence === 6);
    assert.deepEqual(
      held.map(({ type, held }) => [type, held]),
      [
        ['MeterReadingReceived', true],
        ['MeterReadingValidated', undefined],
      ],
    );
  });

  it('answers a reading that its meter remembers no more by the ledger', async () => {
    const meter = await device();
    const [one, , three] = [meter.next('1'), meter.next('2'), meter.next('3')];
    await node.metering.submit([three]);
    assert.equal((await node.metering.submit([one])).results[0]?.code, 'readings.not_monotonic');
    const standing = {
      status: 'minted' as const,
      batch: '1-1',
      signature: 's',
      since: 1,
      wallet: WALLET,
      user: 'anna',
    };
    old = [
      { ...standing, meter: meter.id, sequence: 1, start: one.start, end: one.end, energy: '1000000000', tokens: '7' },
    ];
    const { results, accepted, duplicates } = await node.metering.submit([one]);
    assert.deepEqual(results, [{ meter: meter.id, sequence: 1, verdict: 'accepted', tokens: '7', duplicate: true }]);
    assert.deepEqual([accepted, duplicates], [1, 1]);
    old = [];
    last = 0;
    assert.equal((await node.metering.submit([one])).results[0]?.code, 'ledger.behind');
  });

  it('answers one reading over HTTP by its verdict', async () => {
    const meter = await device();
    const reading = meter.next();
    assert.equal((await post('/readings', reading)).statusCode, 201);
    const again = await post('/readings', reading);
    assert.deepEqual([again.statusCode, (again.json() as ReadingResult).duplicate], [200, true]);
    assert.equal((await post('/readings', meter.sign({ ...reading, kwh: '9' }))).statusCode, 409);
    assert.equal((await post('/readings', { ...meter.next(), meter: 'unknown' })).statusCode, 404);
    const batch = await post('/readings/batch', { readings: [meter.next(), 'nonsense', { meter: 1 }] });
    assert.deepEqual(codes((batch.json() as { results: ReadingResult[] }).results), [
      'accepted',
      'readings.invalid',
      'readings.invalid',
    ]);
  });

  it('takes GridTokenX’s words', async () => {
    const meter = await device('frida');
    const end = Math.floor(Date.now() / 1_000) * 1_000 - HOUR;
    const { signature } = meter.sign({ meter: meter.id, start: end - 900_000, end, kwh: '10.5', sequence: end });
    const body = {
      wallet_address: WALLET,
      meter_id: meter.id,
      kwh_amount: 10.5,
      reading_timestamp: new Date(end).toISOString(),
      meter_signature: signature,
    };
    const answer = await node.http.inject({ method: 'POST', url: '/api/meters/submit-reading', payload: body });
    assert.equal(answer.statusCode, 201, answer.body);
    const { user_id, kwh_amount, status, tokens } = answer.json<Record<string, unknown>>();
    assert.deepEqual([user_id, kwh_amount, status, tokens], ['frida', '10.5', 'accepted', '10500000000']);
    const wrong = await node.http.inject({
      method: 'POST',
      url: '/api/meters/submit-reading',
      payload: { ...body, kwh_amount: 11 },
    });
    assert.deepEqual(
      [wrong.statusCode, wrong.json<{ error: { code: string } }>().error.code],
      [400, 'readings.bad_signature'],
    );
  });

  it('takes a stream of lines, and answers a line for each', async () => {
    const meter = await device();
    const readings = Array.from({ length: 2_500 }, () => meter.next('0.001', {}, 30_000));
    const lines = [
      ...readings.map((reading) => JSON.stringify(reading)),
      '',
      '{"broken',
      JSON.stringify(meter.next('0.001', {}, 30_000)),
    ];
    const answer = await node.http.inject({
      method: 'POST',
      url: '/api/v1/readings/stream',
      headers: { 'content-type': 'application/x-ndjson' },
      payload: Readable.from(lines.map((line) => `${line}\n`)),
    });
    const results = answer.body
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as ReadingResult);
    assert.equal(results.length, 2_502);
    assert.deepEqual(codes(results.slice(-3)), ['accepted', 'readings.invalid', 'accepted']);
    assert.equal((await node.metering.get(meter.id)).readings, 2_501);
    const long = await node.http.inject({
      method: 'POST',
      url: '/api/v1/readings/stream',
      headers: { 'content-type': 'application/x-ndjson' },
      payload: 'x'.repeat(10_000),
    });
    assert.equal(long.json<{ error: { code: string } }>().error.code, 'readings.line_too_long');
  });
});
