import type { Writable } from 'node:stream';

/** A stream to print to; a terminal says so and how wide it is. */
export type OutputStream = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** The reader of our output went away (`statewatt tail | head`). Nothing is wrong: the command just ends. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed';
}

/** Where a command prints: waits when the reader is slow and notices when it went away. */
export class Output {
  readonly #stream: OutputStream;
  #failure: Error | undefined;

  constructor(stream: OutputStream) {
    this.#stream = stream;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.#failure = error.code === 'EPIPE' ? new OutputClosed() : error;
    });
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true;
  }

  /** Columns of the terminal; undefined when the output goes elsewhere and may be of any width. */
  get width(): number | undefined {
    return this.isTerminal ? this.#stream.columns : undefined;
  }

  /** @throws OutputClosed when the reader is gone, else what the stream reported */
  async write(text: string | Uint8Array): Promise<void> {
    if (this.#failure === undefined && !this.#stream.write(text)) await this.#drained();
    if (this.#failure !== undefined) throw this.#failure;
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const events = ['drain', 'error', 'close'];
      const done = () => {
        for (const event of events) this.#stream.off(event, done);
        resolve();
      };
      for (const event of events) this.#stream.on(event, done);
    });
  }
}
