import type { MqttChannel } from '../../site/channels/mqtt.js';
import { loadFiles } from './config.js';

let clients = 0;

/** Channel 1 of a site file, which listens to `url`; `rest` are its further keys as YAML, indented by four spaces. */
export async function mqttChannel(url: string, rest: string): Promise<MqttChannel> {
  const broker = `{ url: "${url}", keep_alive_s: 1, client_id: test-${++clients} }`;
  const site = `site: test\nchannels:\n  - id: 1\n    protocol: mqtt\n    broker: ${broker}\n${rest}`;
  const [channel] = (await loadFiles({ 'site.yaml': site })).channels;
  if (channel?.protocol !== 'mqtt') throw new Error('it is no MQTT channel');
  return channel;
}
