import { spawn, spawnSync } from 'node:child_process';

/**
 * Thrown by a setup step: `message` says what is wrong in plain words, `log` is what the failing tool printed.
 */
export class SetupError extends Error {
  /**
   * @param {string} message
   * @param {string} [log]
   */
  constructor(message, log = '') {
    super(message);
    this.name = 'SetupError';
    this.log = log;
  }
}

/** Characters of a tool's output that are kept for a failure report; the end says what went wrong. */
const KEPT_OUTPUT = 64 * 1024;

/**
 * Runs a command to its end and answers what it printed (stdout and stderr as they came).
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options] `env` is added to this process's environment
 * @returns {Promise<string>}
 * @throws {SetupError} when it cannot be started or ends with another code than 0
 */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const keep = (/** @type {Buffer} */ chunk) => {
      output = (output + chunk.toString()).slice(-KEPT_OUTPUT);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', (error) => reject(new SetupError(`${command} could not be started: ${error.message}`)));
    child.once('close', (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new SetupError(`${[command, ...args].join(' ')} ended with ${signal ?? `code ${code}`}`, output));
    });
  });
}

/**
 * What a short command prints, or undefined when it is not there or fails. For questions such as `--version`.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {number} [status] that it ends with when all is well
 * @returns {string | undefined}
 */
export function ask(command, args, status = 0) {
  const answer = spawnSync(command, args, { encoding: 'utf8', timeout: 20_000, stdio: ['ignore', 'pipe', 'pipe'] });
  if (answer.error !== undefined || answer.status !== status) return undefined;
  return `${answer.stdout}${answer.stderr}`;
}
