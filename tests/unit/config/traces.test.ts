import assert from 'node:assert/strict';
import { EnvironmentError, loadEnvironment } from '../../../site/config/environment.js';

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

const settings = (env: Record<string, string>) => loadEnvironment(env).traces;

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadEnvironment(env);
  } catch (error) {
    assert.ok(error instanceof EnvironmentError);
    return error.problems;
  }
  return [];
}

describe('traces in the environment', () => {
  it('are exported to the path of OTLP below the endpoint, or to the whole URL', () => {
    assert.equal(settings({}), undefined);
    assert.equal(settings({ OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }), undefined);
    assert.deepEqual(settings(ENDPOINT), {
      url: 'http://collector:4318/v1/traces',
      protocol: 'http/json',
      headers: {},
      timeoutMs: 10_000,
      gzip: false,
    });
    const slash = settings({ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector/otlp/' });
    assert.equal(slash?.url, 'https://collector/otlp/v1/traces');
    const whole = { ...ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://traces:1/in' };
    assert.equal(settings(whole)?.url, 'http://traces:1/in');
  });

  it('are not, where the SDK is off or another exporter is named', () => {
    assert.equal(settings({ ...ENDPOINT, OTEL_SDK_DISABLED: 'True' }), undefined);
    assert.equal(settings({ ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }), undefined);
    assert.notEqual(settings({ ...ENDPOINT, OTEL_SDK_DISABLED: 'false', OTEL_TRACES_EXPORTER: 'otlp' }), undefined);
  });

  it('have headers, timeout, compression and protocol, each of the traces before that of all signals', () => {
    const all = {
      ...ENDPOINT,
      OTEL_EXPORTER_OTLP_HEADERS: 'Authorization=Bearer%20abc%3D%3D, x-scope = 1 ,',
      OTEL_EXPORTER_OTLP_TIMEOUT: '2000',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    };
    assert.deepEqual(settings(all), {
      url: 'http://collector:4318/v1/traces',
      protocol: 'grpc',
      headers: { authorization: 'Bearer abc==', 'x-scope': '1' },
      timeoutMs: 2_000,
      gzip: true,
    });
    const traces = settings({
      ...all,
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'a=b',
      OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '1',
      OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'none',
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf',
    });
    assert.deepEqual(
      [traces?.headers, traces?.timeoutMs, traces?.gzip, traces?.protocol],
      [{ a: 'b' }, 1, false, 'http/protobuf'],
    );
  });

  it('that cannot be are refused, without showing what may be a secret', () => {
    assert.deepEqual(problemsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }), [
      'OTEL_EXPORTER_OTLP_ENDPOINT: found "collector:4318", allowed a URL such as http://10.0.0.1:4318',
    ]);
    assert.deepEqual(
      problemsOf({
        ...ENDPOINT,
        OTEL_EXPORTER_OTLP_TIMEOUT: '10s',
        OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'br',
        OTEL_EXPORTER_OTLP_HEADERS: 'my secret',
      }),
      [
        'OTEL_EXPORTER_OTLP_TIMEOUT: found "10s", allowed 1 to 9999999 (ms)',
        'OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: found "br", allowed none or gzip',
        'OTEL_EXPORTER_OTLP_HEADERS: allowed name=value, comma separated, values percent-encoded',
      ],
    );
    for (const headers of ['a=%', 'a b=c', '=c', 'a=%0A']) {
      assert.equal(problemsOf({ ...ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: headers }).length, 1, headers);
    }
  });
});
