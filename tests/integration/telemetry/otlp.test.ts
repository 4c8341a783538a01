import assert from 'node:assert/strict';
import { exportTraces, type TraceExport, type TraceExportOptions } from '../../../telemetry/otlp.js';
import { spanning, tracer } from '../../../telemetry/spans.js';
import { startOtlpReceiver, type OtlpReceiver } from '../../support/otlp.js';
import { eventually, freePort } from '../../support/temp.js';

/** A batch is sent at once when it has so many spans (OTEL_BSP_MAX_EXPORT_BATCH_SIZE). */
const BATCH = 512;

describe('export of traces', function () {
  this.timeout(60_000);
  let receiver: OtlpReceiver;
  let exporting: TraceExport | undefined;
  let troubles: string[];
  let recoveries: string[];

  beforeEach(async () => {
    receiver = await startOtlpReceiver();
    troubles = [];
    recoveries = [];
  });
  afterEach(async () => {
    await exporting?.stop();
    await receiver.close();
  });

  function start(change: Partial<TraceExportOptions> = {}): TraceExport {
    exporting = exportTraces({
      url: `${receiver.url}/v1/traces`,
      headers: { authorization: 'Bearer abc' },
      timeoutMs: 10_000,
      gzip: false,
      version: '1.2.3',
      node: 'n1',
      onTrouble: (text) => troubles.push(text),
      onRecovery: (text) => recoveries.push(text),
      ...change,
    });
    assert.ok(exporting !== undefined);
    return exporting;
  }
  function makeSpans(count: number): void {
    for (let made = 0; made < count; made++) tracer()?.startSpan('work').end();
  }

  it('sends what waits at the end, with the facts of the node and the headers; then nothing makes spans', async () => {
    const { stop } = start();
    await spanning(tracer()?.startSpan('outer'), async () => {
      await Promise.resolve();
      tracer()?.startSpan('inner').end();
    });
    await Promise.all([stop(), stop()]);
    const inner = receiver.spans.find(({ name }) => name === 'inner');
    assert.ok(inner !== undefined);
    assert.deepEqual(receiver.pathOf(inner), ['inner', 'outer']);
    assert.deepEqual(
      ['service.name', 'service.version', 'service.instance.id', 'telemetry.sdk.language'].map((key) =>
        inner.resource.get(key),
      ),
      ['statewatt', '1.2.3', 'n1', 'nodejs'],
    );
    assert.deepEqual(
      receiver.headers.map(({ authorization, 'content-type': type }) => [authorization, type]),
      [['Bearer abc', 'application/json']],
    );
    assert.equal(tracer(), undefined);
    assert.deepEqual([troubles, recoveries], [[], []]);
  });

  it('is compressed where that is wanted; a second SDK in the process is not started', async () => {
    start({ gzip: true });
    assert.equal(exportTraces({ ...({} as TraceExportOptions) }), undefined);
    makeSpans(BATCH);
    await eventually(() => (receiver.spans.length === BATCH ? true : undefined));
    assert.equal(receiver.headers[0]?.['content-encoding'], 'gzip');
  });

  it('tells once that it fails, and how many spans were lost when it works again', async () => {
    start();
    receiver.answer(400);
    for (let batch = 1; batch <= 2; batch++) {
      makeSpans(BATCH);
      await eventually(() => (receiver.headers.length === batch ? true : undefined));
    }
    receiver.answer(200);
    makeSpans(BATCH);
    await eventually(() => (recoveries.length > 0 ? true : undefined));
    assert.deepEqual(troubles, ['traces cannot be exported: it answered 400']);
    assert.deepEqual(recoveries, [`traces are exported again; lost until now: ${2 * BATCH} spans`]);
  });

  it('tries again what a receiver could not take just then, until its time is up', async () => {
    start();
    receiver.answer(503);
    makeSpans(BATCH);
    await eventually(() => (receiver.headers.length > 0 ? true : undefined));
    receiver.answer(200);
    await eventually(() => (receiver.spans.length === BATCH ? true : undefined));
    assert.deepEqual(troubles, []);
  });

  it('gives up in its time where nobody answers, and tells of it', async () => {
    start({ timeoutMs: 100 });
    receiver.answer(undefined);
    makeSpans(BATCH);
    const [text] = await eventually(() => (troubles.length > 0 ? troubles : undefined));
    assert.match(text ?? '', /^traces cannot be exported: .*timeout/);
  });

  it('does not hold up the end where nobody answers, or nobody listens', async () => {
    receiver.answer(undefined);
    const port = await freePort();
    for (const [url, within] of [
      [`${receiver.url}/v1/traces`, 20_000], // It waits 2 s.
      [`http://127.0.0.1:${port}/v1/traces`, 2_000], // It does not wait.
    ] as const) {
      const { stop } = start({ url, timeoutMs: 60_000 });
      makeSpans(BATCH + 1);
      const begun = performance.now();
      await stop();
      assert.ok(performance.now() - begun < within, `${performance.now() - begun} ms`);
      assert.equal(troubles.at(-1), `${BATCH + 1} spans could not be exported`);
    }
  });
});
