import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { EnvironmentError, loadEnvironment } from '../../../site/config/environment.js';
import { effectiveTokenization, TOKENIZATION_VARIABLES } from '../../../site/config/tokenization.js';
import { formatKilowattHours, parseKilowattHours } from '../../../site/metering/energy.js';
import {
  checkTokenization,
  readingLimits,
  retryDelaySecs,
  TOKENIZATION_DEFAULTS,
  tokenRate,
  type Tokenization,
} from '../../../site/metering/tokenization.js';
import { linesOf, loadFiles } from '../../support/config.js';
import { PlainMeter, quarterReading, word } from '../../support/meter.js';

function settings(change: Partial<Tokenization>): Tokenization {
  return { ...TOKENIZATION_DEFAULTS, ...change };
}

function environmentProblems(env: Record<string, string>): readonly string[] {
  try {
    loadEnvironment(env);
  } catch (error) {
    if (error instanceof EnvironmentError) return error.problems;
    throw error;
  }
  return [];
}

describe('Tokenization settings', () => {
  it('test_default_config', () => {
    assert.deepEqual(TOKENIZATION_DEFAULTS, {
      kwhToTokenRatio: '1',
      decimals: 9,
      maxReadingKwh: '100',
      readingMaxAgeDays: 7,
      futureSkewSecs: 60,
      anomalyDeviations: 6,
      anomalyMinReadings: 96,
      autoMintEnabled: true,
      pollingIntervalSecs: 60,
      batchSize: 50,
      maxRetryAttempts: 3,
      initialRetryDelaySecs: 300,
    });
    assert.deepEqual(effectiveTokenization(undefined, undefined), { settings: TOKENIZATION_DEFAULTS, problems: [] });
  });

  it('test_environment_variable_loading', () => {
    const { tokenization } = loadEnvironment({
      TOKENIZATION_KWH_TO_TOKEN_RATIO: '2.5',
      TOKENIZATION_DECIMALS: '6',
      TOKENIZATION_MAX_READING_KWH: '200.0',
      TOKENIZATION_READING_MAX_AGE_DAYS: '14',
      TOKENIZATION_AUTO_MINT_ENABLED: 'false',
      TOKENIZATION_POLLING_INTERVAL_SECS: '120',
      TOKENIZATION_BATCH_SIZE: '25',
      TOKENIZATION_MAX_RETRY_ATTEMPTS: '5',
      TOKENIZATION_INITIAL_RETRY_DELAY_SECS: '600',
    });
    assert.deepEqual(tokenization, {
      kwhToTokenRatio: '2.5',
      decimals: 6,
      maxReadingKwh: '200.0',
      readingMaxAgeDays: 14,
      autoMintEnabled: false,
      pollingIntervalSecs: 120,
      batchSize: 25,
      maxRetryAttempts: 5,
      initialRetryDelaySecs: 600,
    });
    // The environment goes before the site file, that before the defaults.
    const { settings: inForce } = effectiveTokenization({ decimals: 3, batchSize: 7, futureSkewSecs: 5 }, tokenization);
    assert.deepEqual([inForce.decimals, inForce.futureSkewSecs, inForce.anomalyMinReadings], [6, 5, 96]);
  });

  it('test_token_kwh_conversion', () => {
    const rate = tokenRate(TOKENIZATION_DEFAULTS);
    assert.equal(rate.toTokens(parseKilowattHours('1.0')), 1_000_000_000n);
    assert.equal(formatKilowattHours(rate.toEnergy(1_000_000_000n)), '1');
    assert.equal(tokenRate(settings({ kwhToTokenRatio: '2.0' })).toTokens(parseKilowattHours('1.0')), 2_000_000_000n);
  });

  it('test_reading_validation: the maximum and the age decide', () => {
    const DAY = 86_400_000;
    const verdict = (kwh: string, days: number): string => {
      const meter = new PlainMeter();
      meter.register();
      meter.limits = readingLimits(settings({ maxReadingKwh: '100.0', readingMaxAgeDays: 7 }));
      const end = meter.at - days * DAY;
      const energy = parseKilowattHours(kwh).toString();
      return word(meter.submit([{ ...quarterReading(1, energy), start: end - 1, end }])[0]);
    };
    assert.equal(verdict('50.0', 3), 'accepted');
    assert.equal(verdict('150.0', 3), 'readings.above_maximum');
    assert.equal(verdict('50.0', 10), 'readings.too_old');
  });

  it('test_retry_delay_calculation', () => {
    const delays = [1, 2, 3].map((attempt) => retryDelaySecs(settings({ initialRetryDelaySecs: 60 }), attempt));
    assert.deepEqual(delays, [60, 120, 240]);
  });

  it('test_config_validation', () => {
    assert.deepEqual(checkTokenization(settings({ batchSize: 10 })), []);
    const keys = (change: Partial<Tokenization>) => checkTokenization(settings(change)).map(({ key }) => key);
    assert.deepEqual(keys({ pollingIntervalSecs: 1, batchSize: 50 }), ['pollingIntervalSecs']);
    assert.deepEqual(keys({ pollingIntervalSecs: 1, batchSize: 19 }), []);
    assert.deepEqual(keys({ kwhToTokenRatio: '0.1', decimals: 15 }), ['decimals']);
    assert.deepEqual(keys({ kwhToTokenRatio: '0.1', decimals: 9 }), []);
    assert.deepEqual(keys({ maxRetryAttempts: 10, initialRetryDelaySecs: 300 }), ['initialRetryDelaySecs']);
  });

  it('are read from the site file; each error names the key, what was found and what is allowed', async () => {
    const site = await loadFiles({
      'site.yaml':
        'channels: []\ntokenization: { kwh_to_token_ratio: 2.5, max_reading_kwh: "0.5", auto_mint_enabled: false }\n',
    });
    assert.deepEqual(site.tokenization, { kwhToTokenRatio: '2.5', maxReadingKwh: '0.5', autoMintEnabled: false });
    const wrong = (yaml: string) => linesOf({ 'site.yaml': `channels: []\ntokenization: { ${yaml} }\n` });
    for (const [yaml, key, found, allowed] of [
      ['batch_size: 0', 'batch_size', '0', '1'],
      ['decimals: 19', 'decimals', '19', '18'],
      ['kwh_to_token_ratio: 0', 'kwh_to_token_ratio', '0', 'above 0'],
      ['kwh_to_token_ratio: -1', 'kwh_to_token_ratio', '-1', 'above 0'],
      ['max_reading_kwh: 1e-7', 'max_reading_kwh', '1e-7', 'a decimal number'],
      ['polling_interval_secs: 1', 'polling_interval_secs', '1 with a batch size of 50', 'at least 5'],
      ['kwh_to_token_ratio: 0.1, decimals: 15', 'decimals', '15 with a ratio of 0.1', 'at most 9'],
      ['batchsize: 5', 'batchsize', '', 'batch_size'],
    ] as const) {
      const text = (await wrong(yaml)).join('\n');
      for (const part of [`tokenization.${key}`, found, allowed]) assert.ok(text.includes(part), `${yaml}: ${text}`);
    }
  });

  it('of the environment are refused by name too', () => {
    assert.deepEqual(environmentProblems({ TOKENIZATION_DECIMALS: '19', TOKENIZATION_BATCH_SIZE: 'x' }), [
      'TOKENIZATION_DECIMALS: found "19", allowed a whole number from 0 to 18',
      'TOKENIZATION_BATCH_SIZE: found "x", allowed a whole number from 1 to 1000',
    ]);
    const [mint, deviations, unknown, ratio] = environmentProblems({
      TOKENIZATION_KWH_TO_TOKEN_RATIO: '-1',
      TOKENIZATION_AUTO_MINT_ENABLED: 'yes',
      TOKENIZATION_ANOMALY_DEVIATIONS: '-',
      TOKENIZATION_BATCHSIZE: '5',
    });
    assert.match(mint ?? '', /^TOKENIZATION_AUTO_MINT_ENABLED: found "yes", allowed true or false/);
    assert.match(deviations ?? '', /^TOKENIZATION_ANOMALY_DEVIATIONS: found "-", allowed a number from 0 to 1000/);
    assert.match(unknown ?? '', /^TOKENIZATION_BATCHSIZE: unknown variable, .*did you mean TOKENIZATION_BATCH_SIZE\?$/);
    assert.match(ratio ?? '', /^TOKENIZATION_KWH_TO_TOKEN_RATIO: found "-1", allowed a decimal number above 0/);
    assert.deepEqual(effectiveTokenization({ batchSize: 1_000 }, undefined).problems, [
      'TOKENIZATION_POLLING_INTERVAL_SECS: found 60 with a batch size of 1000, allowed at least 100, a tenth of the batch size',
    ]);
  });

  it('stand in docs/configuration.md, each with its variable', async () => {
    const text = await readFile(new URL('../../../../docs/configuration.md', import.meta.url), 'utf8');
    for (const name of TOKENIZATION_VARIABLES) {
      assert.ok(text.includes(`\`${name.slice('TOKENIZATION_'.length).toLowerCase()}\``), name);
    }
    assert.ok(text.includes('`TOKENIZATION_'));
  });
});
