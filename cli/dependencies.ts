import type { StatewattClient } from '../actors/client/client.js';
import type { NodeOptions, RunningNode } from '../node/node.js';
import type { Site } from '../site/model.js';
import type { OutputStream } from './output.js';
import type { Target } from './target.js';

/** What the commands need from outside; cli/main.ts gives the real ones, tests their own. */
export interface Dependencies {
  /** Opens a client of the running site. */
  connect(target: Target): Promise<StatewattClient>;
  /**
   * Loads and validates a site's configuration without starting anything.
   * @throws StatewattError `config.invalid`, with all problems in `details.problems`
   */
  check(path: string): Promise<Site>;
  /** Starts a node; see node/node.ts. */
  startNode(options: NodeOptions): Promise<RunningNode>;
  /** From now on Ctrl-C and SIGTERM abort the signal instead of ending the process; a second one ends it. */
  interruption(): AbortSignal;
  /** Ms since the Unix epoch. */
  now(): number;
  readonly version: string;
  readonly env: NodeJS.ProcessEnv;
  readonly out: OutputStream;
  readonly err: OutputStream;
}
