import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { EnvironmentError, loadEnvironment } from '../../../site/config/environment.js';

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadEnvironment(env);
  } catch (error) {
    if (error instanceof EnvironmentError) return error.problems;
    throw error;
  }
  throw new Error('no problem');
}

describe('loadEnvironment', () => {
  it('has a default for everything', () => {
    const { nodeName, ...rest } = loadEnvironment({ PATH: '/bin', NATS_URL: '', STATEWATT_HTTP_PORT: ' ' });
    assert.match(nodeName, /^[A-Za-z0-9_-]+$/);
    assert.deepEqual(rest, {
      nats: { port: 0, durability: 'strict', framesDurability: 'strict' },
      dataFolder: resolve('.statewatt'),
      http: { host: '127.0.0.1', port: 8080, rateLimit: 200 },
      access: { mode: 'auto' },
      logLevel: 'info',
    });
  });

  it('reads every variable', () => {
    const environment = loadEnvironment({
      NATS_URL: 'nats://10.0.0.1:4222, 10.0.0.2',
      NATS_CREDS: '/etc/nats/user.creds',
      NATS_CA: '/etc/nats/ca.pem',
      NATS_CERT: '/etc/nats/cert.pem',
      NATS_KEY: '/etc/nats/key.pem',
      REDIS_URL: 'redis://:secret@10.0.0.3:6379/1',
      CLICKHOUSE_URL: 'http://10.0.0.4:8123',
      SOLANA_RPC_URL: 'https://api.devnet.solana.com',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://10.0.0.5:4318',
      STATEWATT_DATA: '/var/lib/statewatt',
      STATEWATT_HTTP_HOST: '0.0.0.0',
      STATEWATT_HTTP_PORT: '80',
      STATEWATT_HTTP_CERT: '/etc/http/cert.pem',
      STATEWATT_HTTP_KEY: '/etc/http/key.pem',
      STATEWATT_HTTP_ALLOWED_HOSTS: 'ems.example.com, ems',
      STATEWATT_HTTP_ORIGINS: 'https://app.example.com',
      STATEWATT_HTTP_PROXIES: '10.0.0.1,10.1.0.0/16',
      STATEWATT_HTTP_RATE: '0',
      STATEWATT_SERVICE_PORTS: '6000',
      STATEWATT_ACCESS: 'required',
      STATEWATT_ADMIN_PASSWORD: 'long enough',
      STATEWATT_TOKEN_KEY_FILE: '/etc/statewatt/access.key',
      STATEWATT_NATS_PORT: '4222',
      STATEWATT_DURABILITY: 'relaxed',
      STATEWATT_FRAMES_DURABILITY: 'relaxed',
      STATEWATT_LOG_LEVEL: 'debug',
      STATEWATT_NODE_NAME: 'node-1',
    });
    assert.deepEqual(environment, {
      nats: {
        servers: ['nats://10.0.0.1:4222', '10.0.0.2'],
        port: 4222,
        durability: 'relaxed',
        framesDurability: 'relaxed',
        credentials: '/etc/nats/user.creds',
        tls: { caFile: '/etc/nats/ca.pem', certFile: '/etc/nats/cert.pem', keyFile: '/etc/nats/key.pem' },
      },
      redisUrl: 'redis://:secret@10.0.0.3:6379/1',
      clickhouseUrl: 'http://10.0.0.4:8123',
      solanaRpcUrl: 'https://api.devnet.solana.com',
      traces: {
        url: 'http://10.0.0.5:4318/v1/traces',
        protocol: 'http/json',
        headers: {},
        timeoutMs: 10_000,
        gzip: false,
      },
      dataFolder: '/var/lib/statewatt',
      http: {
        host: '0.0.0.0',
        port: 80,
        rateLimit: 0,
        allowedHosts: ['ems.example.com', 'ems'],
        origins: ['https://app.example.com'],
        proxies: ['10.0.0.1', '10.1.0.0/16'],
        tls: { certFile: '/etc/http/cert.pem', keyFile: '/etc/http/key.pem' },
        servicePorts: 6000,
      },
      access: { mode: 'required', adminPassword: 'long enough', keyFile: '/etc/statewatt/access.key' },
      logLevel: 'debug',
      nodeName: 'node-1',
    });
  });

  it('tells all problems at once', () => {
    assert.deepEqual(
      problemsOf({
        NATS_URL: 'http://10.0.0.1',
        NATS_CERT: '/etc/nats/cert.pem',
        STATEWATT_HTTP_PORT: '80a',
        STATEWATT_NATS_PORT: '70000',
        STATEWATT_DURABILITY: 'some',
        STATEWATT_LOG_LEVEL: 'loud',
        STATEWATT_NODE_NAME: 'a b',
        STATEWATT_DATE: 'x',
        STATEWATT_HTTP_KEY: 'key.pem',
        STATEWATT_ADMIN_PASSWORD: 'tooshort',
        STATEWATT_HTTP_PROXIES: 'proxy',
      }),
      [
        'STATEWATT_DATE: unknown variable, allowed STATEWATT_DATA, STATEWATT_HTTP_HOST, STATEWATT_HTTP_PORT, ' +
          'STATEWATT_HTTP_CERT, STATEWATT_HTTP_KEY, STATEWATT_HTTP_ALLOWED_HOSTS, STATEWATT_HTTP_ORIGINS, ' +
          'STATEWATT_HTTP_PROXIES, STATEWATT_HTTP_RATE, STATEWATT_SERVICE_PORTS, STATEWATT_ACCESS, ' +
          'STATEWATT_ADMIN_PASSWORD, STATEWATT_TOKEN, STATEWATT_TOKEN_KEY_FILE, ' +
          'STATEWATT_NATS_PORT, STATEWATT_DURABILITY, STATEWATT_FRAMES_DURABILITY, STATEWATT_LOG_LEVEL or STATEWATT_NODE_NAME; did you mean STATEWATT_DATA?',
        'NATS_URL: found "http://10.0.0.1", allowed a URL such as nats://10.0.0.1:4222,nats://10.0.0.2:4222',
        'STATEWATT_HTTP_PORT: found "80a", allowed a whole number from 0 to 65535',
        'STATEWATT_HTTP_PROXIES: found "proxy", allowed a list such as 10.0.0.1,10.1.0.0/16',
        'STATEWATT_ADMIN_PASSWORD: found ***, allowed 10 to 256 characters, of the first user, admin',
        'STATEWATT_NATS_PORT: found "70000", allowed a whole number from 0 to 65535',
        'STATEWATT_DURABILITY: found "some", allowed strict or relaxed',
        'STATEWATT_LOG_LEVEL: found "loud", allowed fatal, error, warn, info, debug, trace or silent',
        'STATEWATT_NODE_NAME: found "a b", allowed 1 to 64 letters, digits, - and _',
        'NATS_KEY: not set, allowed both NATS_CERT and NATS_KEY or none of them',
        'STATEWATT_HTTP_CERT: not set, allowed both STATEWATT_HTTP_CERT and STATEWATT_HTTP_KEY or none of them',
      ],
    );
  });

  it('never shows a password', () => {
    const [redis, clickhouse, ...more] = problemsOf({
      REDIS_URL: 'user:s3cret@10.0.0.3:6379',
      CLICKHOUSE_URL: 'tcp://user:s3cret/p@ss@10.0.0.4',
    });
    assert.equal(redis, 'REDIS_URL: found "***@10.0.0.3:6379", allowed a URL such as redis://10.0.0.1:6379');
    assert.doesNotMatch(clickhouse ?? '', /s3cret|p@ss/);
    assert.deepEqual(more, []);
  });
});
