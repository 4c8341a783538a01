import { StatewattError } from '../../../errors/error.js';
import { LinkError } from '../../../protocols/driver.js';
import { MqttLink } from '../../../protocols/mqtt/link.js';
import type { MqttForwarder } from '../../../site/forwarding/forwarder.js';
import type { Selection } from '../../../site/forwarding/selection.js';
import type { Batch } from '../batch.js';
import { CONTENT_TYPES, messagesOf, refused } from '../encode.js';
import { inWindow } from '../in-window.js';
import type { Target } from './target.js';

/** Publishes with QoS 1 on MQTT 5; the user property `id` names each message for ever. */
export class MqttTarget implements Target {
  readonly #forwarder: MqttForwarder;
  readonly #selection: Selection;
  #link: MqttLink | undefined;

  constructor(forwarder: MqttForwarder, selection: Selection) {
    this.#forwarder = forwarder;
    this.#selection = selection;
  }

  async connect(onLost: (error: Error) => void, signal: AbortSignal): Promise<void> {
    this.#link = await MqttLink.open(this.#forwarder.broker, { onLost, signal });
  }

  async send(batch: Batch): Promise<void> {
    const link = this.#link;
    if (link === undefined) throw new LinkError('the connection to the broker is closed');
    const { payload, retain } = this.#forwarder;
    const contentType = CONTENT_TYPES[payload];
    try {
      await inWindow(messagesOf(batch, payload, this.#selection), link.window, ({ destination, body, id }) =>
        link.publish({ topic: destination, payload: body, retain, contentType, properties: { id } }),
      );
    } catch (error) {
      if (error instanceof StatewattError && error.code === 'protocol.refused') throw refused(error.message, error);
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#link?.close();
    this.#link = undefined;
  }
}
