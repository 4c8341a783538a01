import { StatewattError } from '../../errors/error.js';
import type { Bus } from '../../bus/connection.js';
import type { ForwarderEvent } from '../../machines/forwarder.js';
import type { Forwarder } from '../../site/forwarding/forwarder.js';
import type { Selection } from '../../site/forwarding/selection.js';
import { LinkReporter } from '../channel/link-report.js';
import type { Host, Resource, WithoutTime } from '../runtime/kind.js';
import { Run, type RunParts, type TargetReport } from './run.js';
import { ForwarderStatistics } from './statistics.js';
import { createTarget, type Target } from './targets/target.js';

/** What a forwarder needs of its node. */
export interface ForwarderParts {
  readonly bus: Bus;
  /** The configuration in force; undefined when the site's file has no such forwarder any longer. */
  config(id: string): ForwarderConfiguration | undefined;
  /** For tests; default: by the forwarder's type. */
  readonly createTarget?: (forwarder: Forwarder, selection: Selection) => Target;
  /** Frames that were never sent; 0: it is not known how many. */
  readonly onLost?: (id: string, frames: number, why: string) => void;
}

export interface ForwarderConfiguration {
  readonly forwarder: Forwarder;
  readonly selection: Selection;
}

/** The live part of a forwarder: one run from each opening to its closing. */
export class ForwardWorker implements Resource {
  readonly stats = new ForwarderStatistics();
  readonly #id: string;
  readonly #host: Host<WithoutTime<ForwarderEvent>>;
  readonly #parts: ForwarderParts;
  readonly #links: LinkReporter<TargetReport>;
  #run: Run | undefined;
  #leaveOut: string | null = null;
  #steps: Promise<void> = Promise.resolve();

  constructor(id: string, host: Host<WithoutTime<ForwarderEvent>>, parts: ForwarderParts) {
    this.#id = id;
    this.#host = host;
    this.#parts = parts;
    this.#links = new LinkReporter<TargetReport>((report) => host.send(report));
  }

  inspect() {
    return { stats: this.stats, connected: this.#run?.connected ?? false };
  }

  /** Begins to send, with the configuration in force. */
  open(): Promise<void> {
    return this.#inTurn(() => {
      if (this.#run !== undefined) return Promise.resolve();
      this.#links.forget();
      const config = this.#parts.config(this.#id);
      if (config === undefined) {
        this.#links.report({ type: 'link.failed', error: notConfigured(this.#id).toJSON(), refused: null });
        return Promise.resolve();
      }
      const parts: RunParts = {
        ...config,
        bus: this.#parts.bus,
        position: `forwarder-${this.#id}`,
        stats: this.stats,
        leaveOut: this.#leaveOut,
        createTarget: this.#parts.createTarget ?? createTarget,
        report: (report) => this.#links.report(report),
        fail: (error) => this.#host.fail(error),
        onLost: (frames, why) => this.#parts.onLost?.(this.#id, frames, why),
      };
      this.#leaveOut = null;
      this.#run = new Run(parts);
      this.#run.start();
      return Promise.resolve();
    });
  }

  /** Ends the sending. What was not acknowledged is sent again by the next run. */
  shut(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#run?.stop();
      this.#run = undefined;
    });
  }

  /** The next run does not send the batch of this token. */
  leaveOut(token: string | null): void {
    this.#leaveOut = token;
  }

  close(): Promise<void> {
    return this.shut();
  }

  /** Opening and closing never overlap. */
  #inTurn(step: () => Promise<void>): Promise<void> {
    this.#steps = this.#steps.catch(() => undefined).then(step);
    return this.#steps;
  }
}

function notConfigured(forwarder: string): StatewattError {
  return new StatewattError(
    'forward.not_configured',
    'not_found',
    `the forwarder ${forwarder} is no longer in the site’s configuration`,
  );
}
