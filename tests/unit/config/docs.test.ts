import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { EnvironmentSchema } from '../../../site/config/environment.js';
import { CAN_COLUMNS } from '../../../site/config/can-channel.js';
import { GRPC_COLUMNS } from '../../../site/config/grpc-channel.js';
import { MAPPING_COLUMNS } from '../../../site/config/mapping-table.js';
import { MQTT_COLUMNS } from '../../../site/config/mqtt-channel.js';
import { POINT_COLUMNS } from '../../../site/config/point-table.js';
import { SITE_MODEL_OUTPUTS } from '../../../site/model.js';
import type { VirtualChannel } from '../../../site/model.js';
import { loadFiles } from '../../support/config.js';

describe('docs/configuration.md', () => {
  let text: string;
  let tables: string;
  before(async () => {
    text = await readFile(new URL('../../../../docs/configuration.md', import.meta.url), 'utf8');
    tables = text.replace(/ +/g, ' '); // the formatter aligns them
  });

  it('names every column, output and variable, with the default', () => {
    const columns = [POINT_COLUMNS, MAPPING_COLUMNS, MQTT_COLUMNS, GRPC_COLUMNS, CAN_COLUMNS].flatMap(
      ({ required, optional }) => [...required, ...optional],
    );
    for (const name of [...columns, ...SITE_MODEL_OUTPUTS]) assert.ok(text.includes(`\`${name}\``), name);
    for (const [name, schema] of Object.entries(EnvironmentSchema.properties)) {
      assert.ok(text.includes(`\`${name}\``), name);
      const fallback = (schema as { default?: string | number }).default;
      if (fallback !== undefined) assert.ok(tables.includes(`| \`${name}\` | \`${fallback}\` |`), name);
    }
  });

  it('has examples that load', async () => {
    const [, site = ''] = /```yaml\n(site: [^]*?)```/.exec(text) ?? [];
    const [, simulation = ''] = /```yaml\n(simulation:[^]*?)```/.exec(text) ?? [];
    const tables = {
      'meter/telemetry.csv': 'point_id,signal_name\n1,Power\n',
      'meter/mapping/telemetry_mapping.csv': 'point_id,function_code,register_address\n1,3,0\n',
    };
    const { channels, ...settings } = await loadFiles({ 'site.yaml': site, ...tables });
    assert.equal(channels.length, 3);
    const defaults = await loadFiles({ 'site.yaml': 'channels: []' });
    const { mapping, ...kept } = settings.history;
    assert.equal(mapping?.length, 1);
    assert.deepEqual([settings.defaults, kept], [defaults.defaults, defaults.history]);

    const grpc = await readFile(new URL('../../../../docs/grpc.md', import.meta.url), 'utf8');
    for (const [, example = ''] of `${text}${grpc}`.matchAll(/```yaml\nchannels:\n([^]*?)```/g)) {
      const further = await loadFiles({
        'site.yaml': `channels:\n${example}`,
        'ca.pem': '',
        'drive.log': '',
        ...tables,
      });
      assert.equal(further.channels.length, 1);
    }

    const indented = simulation.replaceAll('\n', '\n    ');
    const replay = { 'day.csv': 'time_ms,value\n0,1\n' };
    const virtual = `channels:\n  - id: 1\n    protocol: virtual\n    ${indented}`;
    const [channel] = (await loadFiles({ 'site.yaml': virtual, ...replay })).channels as VirtualChannel[];
    assert.equal(channel?.patterns.length, 6);
    const plain =
      'channels: [{ id: 1, protocol: virtual, simulation: { site_model: { outputs: [] }, patterns: [{ type: constant, point_id: 1, value: 1 }] } }]';
    const [byDefault] = (await loadFiles({ 'site.yaml': plain })).channels as VirtualChannel[];
    assert.deepEqual({ ...channel.siteModel, outputs: [] }, byDefault?.siteModel);
  });
});
