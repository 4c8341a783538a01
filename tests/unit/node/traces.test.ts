import assert from 'node:assert/strict';
import { Stages, type StageReport } from '../../../node/stages.js';
import { startTraces } from '../../../node/traces.js';
import { loadEnvironment } from '../../../site/config/index.js';
import { tracer } from '../../../telemetry/spans.js';
import { keepLog } from '../../support/node.js';
import { keepSpans } from '../../support/spans.js';

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://user:secret@127.0.0.1:1' };

describe('the export of traces as a part of the node', () => {
  let reports: StageReport[];
  let stages: Stages;
  let kept: ReturnType<typeof keepLog>;

  beforeEach(() => {
    reports = [];
    stages = new Stages((report) => reports.push(report));
    kept = keepLog();
  });
  afterEach(() => stages.stop());

  const start = (env: Record<string, string>) => startTraces(stages, loadEnvironment(env), '1.2.3', kept.log);

  it('is none where no collector is named', async () => {
    await start({});
    assert.deepEqual([reports, kept.lines, tracer()], [[], [], undefined]);
  });

  it('starts and stops with the node, and shows no password', async () => {
    await start(ENDPOINT);
    assert.notEqual(tracer(), undefined);
    await stages.stop();
    assert.equal(tracer(), undefined);
    assert.deepEqual(
      reports.map(({ phase, name, detail }) => [phase, name, detail]),
      [
        ['started', 'traces', 'http://***@127.0.0.1:1/v1/traces'],
        ['stopped', 'traces', ''],
      ],
    );
  });

  it('leaves an SDK alone that the process has already', async () => {
    const own = keepSpans();
    try {
      await start(ENDPOINT);
      assert.match(reports[0]?.detail ?? '', /by the OpenTelemetry SDK that the process has/);
      await stages.stop();
      assert.notEqual(tracer(), undefined);
    } finally {
      own.stop();
    }
  });

  it('is not started for gRPC, and says so', async () => {
    await start({ ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' });
    assert.deepEqual([reports, tracer()], [[], undefined]);
    assert.match(kept.lines[0]?.text ?? '', /traces are not exported: .* grpc, allowed http\/json or http\/protobuf/);
  });
});
