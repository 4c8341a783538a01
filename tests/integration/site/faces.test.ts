import assert from 'node:assert/strict';
import { connectClient } from '../../../actors/client/remote.js';
import type {
  ActorView,
  ChannelView,
  Health,
  HistoryPage,
  PointsPage,
  PointView,
  WriteReply,
} from '../../../actors/client/schemas.js';
import type { PointsUpdate, StatewattClient } from '../../../actors/client/client.js';
import { RegisterBank, startModbusDevices, type ModbusDevices } from '../../../protocols/modbus/simulator/index.js';
import { runStatewatt, type SiteProcess } from '../../support/site-process.js';
import { eventually } from '../../support/temp.js';
import { Bed, CASE_TIMEOUT_MS, MAPPING, modbusChannel, POINTS } from './bed.js';

const TEMPERATURE = 'comsrv:1001:T:1';
const LIMIT = 'comsrv:1001:A:1';
const BREAKER = 'comsrv:1001:C:1';

describe('one value at every face of a running site', function () {
  this.timeout(CASE_TIMEOUT_MS);
  const bank = new RegisterBank();
  let devices: ModbusDevices;
  let bed: Bed;
  let site: SiteProcess;
  let nats: StatewattClient;

  before(async () => {
    bank.holding.setUint16(1, 215);
    devices = await startModbusDevices({ devices: [{ port: 0, units: { 1: bank } }] });
    bed = await Bed.open();
    site = await bed.run({
      'site.yaml': `site: faces\nchannels:${modbusChannel(1001, devices.devices[0]?.port as number)}`,
      '1001/telemetry.csv': `${POINTS}1,Temperature,0.1,0.0,℃,false,float\n`,
      '1001/mapping/telemetry_mapping.csv': `${MAPPING}1,1,3,1,uint16,AB,\n`,
      '1001/control.csv': `${POINTS}1,Breaker,1.0,0.0,,false,bool\n`,
      '1001/mapping/control_mapping.csv': `${MAPPING}1,1,1,5,bool,,\n`,
      '1001/adjustment.csv': `${POINTS}1,Limit,0.5,0.0,kW,false,float\n`,
      '1001/mapping/adjustment_mapping.csv': `${MAPPING}1,1,3,10,uint16,AB,\n`,
    });
    nats = await connectClient({ natsUrl: site.natsUrl });
    await bed.until('comsrv:1001:T', 1, '21.500000', 500);
  });
  after(async () => {
    await nats?.close();
    await bed?.close();
    await devices?.close();
  });

  /** What the command prints with --json. */
  async function cli<T>(...args: string[]): Promise<T> {
    const { code, out, err } = await runStatewatt([...args, '--data', site.data, '--json']);
    assert.equal(code, 0, err + out);
    return JSON.parse(out) as T;
  }

  /** Without what changes from one moment to the next. */
  const steady = ({ time: _, ...point }: PointView): Omit<PointView, 'time'> => point;

  it('newest values: Redis, HTTP, NATS and the command line say the same', async () => {
    const byHttp = await site.get<PointView>(`/api/v1/points/${TEMPERATURE}`);
    assert.deepEqual(steady(byHttp), {
      address: TEMPERATURE,
      channel: 1001,
      kind: 'T',
      id: 1,
      name: 'Temperature',
      unit: '℃',
      writable: false,
      value: 21.5,
      quality: 'good',
    });
    assert.ok(Math.abs(Date.now() - (byHttp.time ?? 0)) < 60_000);
    assert.deepEqual(steady(await nats.point(1001, 'T', 1)), steady(byHttp));
    const all = await site.get<PointsPage>('/api/v1/points?channel=1001');
    assert.equal(all.points.length, 3);
    for (const page of [await nats.points({ channel: 1001 }), await cli<PointsPage>('points', '--channel', '1001')]) {
      assert.deepEqual(page.points.map(steady), all.points.map(steady));
    }
  });

  it('a change comes through the event stream of HTTP and the watch of NATS', async () => {
    const abort = new AbortController();
    const answer = await fetch(`${site.url}/api/v1/points/stream?channel=1001`, { signal: abort.signal });
    assert.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8');
    const isNew = (update: PointsUpdate): boolean =>
      update.channel === 1001 && update.points.some(({ address, value }) => address === TEMPERATURE && value === 22.5);
    const byHttp = first(events(answer), isNew);
    const byNats = first(nats.watchPoints({ channel: 1001 }, abort.signal), isNew);
    bank.holding.setUint16(1, 225);
    await Promise.all([byHttp, byNats]);
    abort.abort();
    await bed.until('comsrv:1001:T', 1, '22.500000', 500);
  });

  it('writes: each face reaches the device, and the value comes back as read', async () => {
    const byCli = await cli<WriteReply>('write', LIMIT, '40');
    assert.deepEqual([byCli.written, byCli.readBack, byCli.confirmed, byCli.answer], [40, 40, true, 'ok']);
    assert.equal(bank.holding.getUint16(10), 80);
    await bed.until('comsrv:1001:A', 1, '40.000000', 500);

    const byNats = await nats.write({ channel: 1001, kind: 'C', id: 1, value: true });
    assert.equal(byNats.confirmed, true);
    assert.equal(bank.coils.get(5), true);
    await bed.until('comsrv:1001:C', 1, '1', 500);

    const post = (): Promise<Response> =>
      fetch(`${site.url}/api/v1/points/${BREAKER}/write`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': 'open-it-once' },
        body: JSON.stringify({ value: 0 }),
      });
    const reply = (await (await post()).json()) as WriteReply;
    assert.deepEqual([reply.confirmed, reply.written], [true, 0]);
    assert.equal(bank.coils.get(5), false);
    // The same command again is answered, not written.
    bank.coils.set(5, true);
    assert.deepEqual(await (await post()).json(), reply);
    assert.equal(bank.coils.get(5), true);

    const refused = await runStatewatt(['write', TEMPERATURE, '1', '--data', site.data, '--json']);
    assert.notEqual(refused.code, 0);
  });

  it('history: HTTP, NATS and the command line answer the same rows', async () => {
    const page = await eventually(
      async () => {
        const found = await site.get<HistoryPage>(`/api/v1/points/${TEMPERATURE}/history?resolution=raw&limit=5`);
        return found.rows.length === 5 ? found : undefined;
      },
      { within: 30_000, what: 'five rows' },
    );
    assert.ok(page.rows.every(({ value }) => value === 21.5 || value === 22.5));
    const { from, to } = page;
    const byNats = await nats.history({ channel: 1001, kind: 'T', id: 1, from, to, resolution: 'raw', limit: 5 });
    assert.deepEqual(byNats.rows, page.rows);
    const byCli = await cli<HistoryPage>(
      ...['history', TEMPERATURE, '--from', new Date(from).toISOString(), '--to', new Date(to).toISOString()],
      ...['--resolution', 'raw', '--limit', '5'],
    );
    assert.deepEqual(byCli.rows, page.rows);
  });

  it('actors, channels and health: the same at each face', async () => {
    // The journal of configurations leaves memory when nothing is edited.
    const channels = (actors: ActorView[]) => actors.filter(({ kind }) => kind === 'channel');
    const actors = channels(await cli<ActorView[]>('ps'));
    assert.deepEqual(
      actors.map(({ ref, state }) => [ref, state]),
      [['channel/1001', 'online']],
    );
    assert.deepEqual(
      channels(await nats.actors()).map(({ ref }) => ref),
      ['channel/1001'],
    );
    const [channel] = await site.get<ChannelView[]>('/api/v1/channels');
    assert.deepEqual([channel?.id, channel?.state, channel?.points], [1001, 'online', { T: 1, S: 0, C: 1, A: 1 }]);
    const answers = [await site.health(), await nats.health(), await cli<Health>('health')];
    for (const { status, ready, parts } of answers)
      assert.deepEqual([status, ready], ['healthy', true], JSON.stringify(parts));
  });

  it('metrics: every sample has its help and its type, and the counters count', async () => {
    const answer = await fetch(`${site.url}/metrics`);
    assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    const samples = parseMetrics(await answer.text());
    assert.ok((samples.get('statewatt_frames_published_total') ?? 0) > 10);
    assert.ok((samples.get('statewatt_history_points_total') ?? 0) > 0);
    assert.equal(samples.get('statewatt_channel_state{channel="1001",name="channel 1001",state="online"}'), 1);
    assert.equal(samples.get('statewatt_frames_refused_total'), 0);
    assert.equal(samples.get('statewatt_history_lost_frames_total'), 0);
  });
});

async function first<T>(items: AsyncIterable<T>, isWanted: (item: T) => boolean): Promise<T> {
  for await (const item of items) if (isWanted(item)) return item;
  throw new Error('it ended before what was wanted came');
}

/** The data of each event; see WHATWG HTML, section 9.2. */
async function* events(answer: Response): AsyncGenerator<PointsUpdate> {
  assert.ok(answer.body);
  let text = '';
  for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const event = text.slice(0, end);
      text = text.slice(end + 2);
      if (event.startsWith('data: ')) yield JSON.parse(event.slice('data: '.length)) as PointsUpdate;
    }
  }
}

/** Value by name with labels, from the Prometheus text format 0.0.4. */
function parseMetrics(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  const helped = new Set<string>();
  const typed = new Set<string>();
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const [, kind, family] = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) \S/.exec(line) ?? [];
    if (family !== undefined) {
      (kind === 'HELP' ? helped : typed).add(family);
      continue;
    }
    const [, name = '', labels = '', value] = /^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)$/.exec(line) ?? [];
    assert.ok(value !== undefined && (value === 'NaN' || !Number.isNaN(Number(value))), `no sample: ${line}`);
    const base = [name, name.replace(/_(bucket|sum|count)$/, '')].find((each) => typed.has(each) && helped.has(each));
    assert.ok(base !== undefined, `without help or type: ${line}`);
    samples.set(name + labels, Number(value));
  }
  return samples;
}
