import type { StatewattClient } from '../actors/client/client.js';
import type { Dependencies } from './dependencies.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { Output } from './output.js';
import { renderTable, type Column } from './render/table.js';
import { paint, type Tone } from './render/tone.js';
import { findTarget } from './target.js';

/** Options of the program itself; they may stand before and after a command's name. */
export interface GlobalOptions {
  json?: boolean;
  nats?: string;
  data?: string;
  token?: string;
}

/** What every command works with: its way to the site, its output, and the exit code that it leaves. */
export class Cli {
  readonly out: Output;
  readonly err: Output;
  readonly dependencies: Dependencies;
  /** Set before a command runs. */
  options: GlobalOptions = {};
  exitCode: ExitCode = EXIT.ok;

  constructor(dependencies: Dependencies) {
    this.dependencies = dependencies;
    this.out = new Output(dependencies.out);
    this.err = new Output(dependencies.err);
  }

  get json(): boolean {
    return this.options.json === true;
  }

  /** Colour is for a person at a terminal who did not refuse it (no-color.org). */
  get colour(): boolean {
    const { NO_COLOR, TERM } = this.dependencies.env;
    return this.out.isTerminal && (NO_COLOR ?? '') === '' && TERM !== 'dumb';
  }

  now(): number {
    return this.dependencies.now();
  }

  /** Connects to the running site, and closes the connection whatever happens. */
  async withClient(use: (client: StatewattClient) => Promise<void>): Promise<void> {
    const client = await this.dependencies.connect(await findTarget(this.options, this.dependencies.env));
    try {
      await use(client);
    } finally {
      await client.close();
    }
  }

  /** One line for people. */
  async line(text: string, tone: Tone = 'none'): Promise<void> {
    await this.out.write(`${this.colour ? paint(text, tone) : text}\n`);
  }

  /** One JSON document. */
  async document(value: unknown): Promise<void> {
    await this.out.write(`${JSON.stringify(value, null, this.out.isTerminal ? 2 : undefined)}\n`);
  }

  async table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], titles = true): Promise<void> {
    await this.out.write(renderTable(columns, rows, { width: this.out.width, colour: this.colour, titles }));
  }

  /** A remark that is no part of the answer: to stderr, so that it is never piped on. */
  async remark(text: string): Promise<void> {
    await this.err.write(`${text}\n`);
  }
}
