import Type, { type Static } from 'typebox';
import { FAULT_STATES } from './minting/batch-states.js';

/** What can be broken. */
export const TARGETS = ['node', 'actor', 'nats-server', 'history', 'redis', 'devices', 'worker', 'chain'] as const;
export type Target = (typeof TARGETS)[number];

const LINK_MODES = ['hold', 'half-open', 'shut', 'reset', 'delay', 'throttle', 'corrupt'] as const;
const ANSWER_MODES = ['slow', 'exception', 'wrong-transaction', 'truncated', 'stuck'] as const;
type LinkMode = (typeof LINK_MODES)[number];
export type AnswerMode = (typeof ANSWER_MODES)[number];

const seconds = (description: string) => Type.Number({ minimum: 0, maximum: 86_400, description });
const span = (description: string) =>
  Type.Array(Type.Number({ minimum: 0, maximum: 3_600 }), { minItems: 2, maxItems: 2, description });

export const FaultSchema = Type.Object(
  {
    do: Type.Enum(['kill', 'pause', 'link', 'answers', 'clock', 'fill', 'split'], {
      description:
        'kill: SIGKILL, it is started again. pause: SIGSTOP, then SIGCONT. link: its connections fail. answers: those of ' +
        'devices are wrong. clock: that of a node jumps. fill: the disk of a node’s spool is full. split: one of three ' +
        'NATS servers is cut off from the others.',
    }),
    what: Type.Enum([...TARGETS]),
    kind: Type.Optional(Type.String({ minLength: 1, description: 'with what: actor, only actors of this kind' })),
    at_s: Type.Optional(seconds('once, so long after the load has begun')),
    every_s: Type.Optional(span('again and again, after a random time between these')),
    for_s: Type.Optional(span('how long it lasts: a random time between these')),
    in: Type.Optional(
      Type.Enum([...FAULT_STATES, 'any'], {
        description: 'wait until it runs, and a mint batch is in this state (5 s at most); any: each time another one',
      }),
    ),
    mode: Type.Optional(
      Type.Enum([...LINK_MODES, ...ANSWER_MODES], {
        description:
          'of a link. hold: nothing passes, connections stay. half-open: answers are lost, connections stay. shut: refused. ' +
          'reset: ended once. delay, throttle: slow. corrupt: now and then a byte is another one. Of answers. slow: late. ' +
          'exception: refused. wrong-transaction: of another request. truncated: the end is missing. stuck: always the same.',
      }),
    ),
    delay_ms: Type.Optional(Type.Number({ minimum: 1, maximum: 60_000 })),
    jitter_ms: Type.Optional(Type.Number({ minimum: 0, maximum: 60_000 })),
    bytes_per_s: Type.Optional(Type.Integer({ minimum: 100 })),
    code: Type.Optional(Type.Integer({ minimum: 1, maximum: 255, description: 'of the exception; default 4' })),
    share: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, maximum: 1, description: 'of the answers that are wrong; default 1' }),
    ),
    by_s: Type.Optional(
      Type.Array(Type.Number({ minimum: -86_400, maximum: 86_400 }), {
        minItems: 2,
        maxItems: 2,
        description: 'by how much the clock jumps: a random time between these; at the end it is right again',
      }),
    ),
  },
  { additionalProperties: false },
);
export type FaultFile = Static<typeof FaultSchema>;

export function isLinkMode(mode: FaultFile['mode']): mode is LinkMode {
  return LINK_MODES.some((each) => each === mode);
}

export function isAnswerMode(mode: FaultFile['mode']): mode is AnswerMode {
  return ANSWER_MODES.some((each) => each === mode);
}

type Report = (key: keyof FaultFile, found: string, allowed: string) => void;

/** What of a scenario its faults depend on. */
export interface FaultContext {
  readonly redis?: boolean;
  readonly nats_servers?: number;
  readonly minting?: unknown;
}

/** Which faults hit only one thing. */
const ONLY: Partial<Record<FaultFile['do'], Target>> = {
  answers: 'devices',
  clock: 'node',
  fill: 'node',
  split: 'nats-server',
};

/** What the schema cannot say: which keys belong together. */
export function checkFault(fault: FaultFile, scenario: FaultContext, report: Report): void {
  checkTimes(fault, report);
  checkTarget(fault, scenario, report);
  const { do: action, mode } = fault;
  const fits = action === 'link' ? isLinkMode(mode) : action === 'answers' ? isAnswerMode(mode) : mode === undefined;
  if (!fits) report('mode', mode ?? 'nothing', 'a mode for a link and for answers, one of its own, none otherwise');
  if ((mode === 'delay' || mode === 'slow') && fault.delay_ms === undefined)
    report('delay_ms', 'nothing', 'ms for which bytes or answers are held up');
  if (mode === 'throttle' && fault.bytes_per_s === undefined)
    report('bytes_per_s', 'nothing', 'bytes that pass in a second');
  if ((action === 'clock') !== (fault.by_s !== undefined))
    report('by_s', fault.by_s === undefined ? 'nothing' : 'a time', 'by how much a clock jumps, for clock only');
}

function checkTimes(fault: FaultFile, report: Report): void {
  const { do: action, at_s, every_s, for_s, mode } = fault;
  if ((at_s === undefined) === (every_s === undefined))
    report('do', 'neither or both of at_s and every_s', 'one of them');
  for (const key of ['every_s', 'for_s'] as const) {
    const [from = 0, to = 0] = fault[key] ?? [];
    if (from > to) report(key, `${from} to ${to}`, 'the shorter time first');
  }
  if (every_s !== undefined && (every_s[1] ?? 0) <= 0) report('every_s', 'no time at all', 'more than 0 s');
  const lasts = action !== 'kill' && mode !== 'reset';
  if (lasts !== (for_s !== undefined))
    report(
      'for_s',
      for_s === undefined ? 'nothing' : 'a time',
      lasts ? 'how long it lasts' : 'nothing: it is over at once',
    );
}

function checkTarget(
  fault: FaultFile,
  { redis = false, nats_servers = 1, minting }: FaultContext,
  report: Report,
): void {
  const { do: action, what, kind } = fault;
  if (what === 'redis' && !redis) report('what', 'redis', 'redis only where the scenario says redis: true');
  if (what === 'chain' && minting === undefined) report('what', 'chain', 'chain only where the scenario has minting');
  if (fault.in !== undefined && minting === undefined)
    report('in', fault.in, 'a state of mint batches only where the scenario has minting');
  if ((what === 'actor' || what === 'worker') && action !== 'kill')
    report('do', action, 'kill, for an actor or a worker');
  if (kind !== undefined && what !== 'actor') report('kind', kind, 'nothing unless what is actor');
  if (what === 'node' && action === 'link') report('what', 'node', 'a part that nodes connect to, for a link');
  const only = ONLY[action];
  if (only !== undefined && only !== what && what !== 'actor') report('what', what, `${only}, for ${action}`);
  if (action === 'split' && nats_servers !== 3)
    report('do', 'split', 'split only where the scenario says nats_servers: 3');
}
