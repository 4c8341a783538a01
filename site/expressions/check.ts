import { nearest } from '../config/problems.js';
import { BAD, GOOD, isState, OUT_OF_RANGE, parsePointAddress, QUALITIES } from '../points.js';
import { ExpressionError, type ExpressionProblem } from './error.js';
import {
  DEFAULT_RATE_WINDOW_MS,
  FUNCTIONS,
  type Argument,
  type FunctionDefinition,
  type Parameter,
} from './functions.js';
import { binary } from './operators.js';
import { parseExpression } from './parse.js';
import { nameOfPoint, type Meaning, type PointScope, type ReadPoint } from './points.js';
import type { Compute, Run } from './run.js';
import type { Position, Tree } from './tree.js';

/** A `state` (point of kind S or C) is a condition and the number 0 or 1. */
export type PartType = 'number' | 'condition' | 'state';

/** A part whose names and types are right. */
export interface Part {
  readonly type: PartType;
  /** Makes it run, with a state of its own. */
  readonly make: (run: Run) => Compute;
}

/** A point, or what stands for one. */
interface Value {
  readonly part: Part;
  /** Its quality (GOOD …) by what the run knows. */
  readonly quality: (run: Run) => Compute;
}

/** What an expression reads, those in it included. */
class Reads {
  readonly points: ReadPoint[] = [];
  /** Functions used that look at the past, each once. */
  readonly past = new Set<string>();
  /** The longest time that any of them looks back; 0: none names one. */
  longestMs = 0;
  /** What names of models mean. */
  readonly meanings = new Set<string>();
  readonly #slots = new Map<string, number>();

  /** The place of a point in the arrays; each point has one. */
  slot(point: ReadPoint): number {
    const key = nameOfPoint(point);
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      slot = this.points.push(point) - 1;
      this.#slots.set(key, slot);
    }
    return slot;
  }
}

type Binary = Extract<Tree, { type: 'binary' }>;
type Call = Extract<Tree, { type: 'call' }>;

const NUMBER = /^\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;
const TIME = /^([01]\d|2[0-3]):([0-5]\d)$/;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const MAX_DURATION_MS = 31 * 86_400_000;

/** Gives the words of one expression their meaning, and sees that the types fit. */
export class Checker {
  readonly reads: Reads;
  readonly #source: string;
  readonly #scope: PointScope;
  readonly #deadband: number;
  readonly #timeZone: string | undefined;

  /** @param reads those of the expression that this one stands in */
  constructor(
    source: string,
    scope: PointScope,
    deadband: number,
    timeZone: string | undefined,
    reads: Reads = new Reads(),
  ) {
    this.reads = reads;
    this.#source = source;
    this.#scope = scope;
    this.#deadband = deadband;
    this.#timeZone = timeZone;
  }

  /** @throws ExpressionError */
  part(tree: Tree, wanted: 'number' | 'condition' | 'any'): Part {
    const part = this.#part(tree);
    if (wanted === 'any' || part.type === 'state' || part.type === wanted) return part;
    const example = wanted === 'condition' ? 'a condition, for example a comparison such as x > 0' : 'a number';
    throw this.#wrong('wrong_type', startOf(tree), `a ${part.type}`, example);
  }

  #part(tree: Tree): Part {
    switch (tree.type) {
      case 'word':
        return this.#word(tree.text, tree.at);
      case 'quoted':
        return this.#value(tree.text, tree.at).part;
      case 'call':
        return this.#call(tree);
      case 'unary':
        return this.#unary(tree.op, tree.operand);
      case 'binary':
        return this.#binary(tree);
    }
  }

  #word(text: string, at: Position): Part {
    if (/^true$|^false$/i.test(text)) return constant('condition', text.toLowerCase() === 'true' ? 1 : 0);
    if (NUMBER.test(text)) return constant('number', Number(text));
    if (DURATION.test(text)) {
      throw this.#wrong(
        'wrong_type',
        at,
        `the duration ${text}`,
        'a number; durations are arguments, as in avg(x, 5m)',
      );
    }
    if (TIME.test(text)) {
      throw this.#wrong(
        'wrong_type',
        at,
        `the time ${text}`,
        'a number; times are arguments, as in between(08:00, 18:00)',
      );
    }
    if (/^[\d.]/.test(text) && !text.includes(':')) {
      throw this.#wrong(
        'syntax',
        at,
        `"${text}"`,
        'a number such as 80, 0.5 or 1e3, or a duration such as 500ms, 10s or 5m',
      );
    }
    return this.#value(text, at).part;
  }

  /** What a word stands for that is no number. */
  #value(written: string, at: Position): Value {
    const meaning = this.#scope.meaning?.(written);
    if (meaning !== undefined) return this.#meant(meaning, written, at);
    const address = this.#scope.alias(written) ?? parsePointAddress(written);
    const holds = address === undefined ? undefined : this.#scope.find(address);
    if (address === undefined || holds === undefined) {
      throw this.#wrong('unknown_point', at, `"${written}", which is no point`, this.#scope.allowed(written));
    }
    if (holds === 'text') throw this.#isText(written, at);
    const slot = this.reads.slot(address);
    return {
      part: {
        type: isState(address.kind) ? 'state' : 'number',
        make:
          ({ values }) =>
          () =>
            values[slot] as number,
      },
      quality:
        ({ quality }) =>
        () =>
          quality[slot] as number,
    };
  }

  /** A point of a model: that of a channel in the model's units, or what it is computed from. */
  #meant(meaning: Meaning, written: string, at: Position): Value {
    if (meaning.text) throw this.#isText(written, at);
    const { kind, min = -Infinity, max = Infinity } = meaning;
    const { type: _type, ...facts } = meaning;
    this.reads.meanings.add(JSON.stringify([written, facts]));
    const within = (value: number): number => (value < min || value > max ? OUT_OF_RANGE : GOOD);
    const type = isState(kind) ? 'state' : 'number';
    if (meaning.type === 'point') {
      const { scale, offset } = meaning;
      const slot = this.reads.slot(meaning.point);
      const own = ({ values }: Run) => (values[slot] as number) * scale + offset;
      return {
        part: { type, make: (run) => () => own(run) },
        quality: (run) => () => {
          const quality = run.quality[slot] as number;
          return quality === GOOD ? within(own(run)) : quality;
        },
      };
    }
    const { source, scope } = meaning;
    // A model computes without the rule's deadband, by the machine's clock.
    const inside = new Checker(source, scope(), 0, undefined, this.reads);
    const { make } = inside.part(parseExpression(source), isState(kind) ? 'condition' : 'number');
    return {
      part: { type, make },
      quality: (run) => {
        const compute = make(run);
        return () => {
          const value = compute();
          return Number.isNaN(value) ? BAD : within(value);
        };
      },
    };
  }

  #isText(written: string, at: Position): ExpressionError {
    return this.#wrong('wrong_type', at, `"${written}", whose value is text`, 'a point with numbers');
  }

  #unary(op: '-' | 'not', operand: Tree): Part {
    const { make } = this.part(operand, op === '-' ? 'number' : 'condition');
    const sign = op === '-';
    return {
      type: sign ? 'number' : 'condition',
      make: (run) => {
        const compute = make(run);
        return sign ? () => -compute() : () => 1 - compute();
      },
    };
  }

  #binary(tree: Binary): Part {
    const { op, left, right } = tree;
    if (isQuality(left) || isQuality(right)) return this.#compareQuality(tree);
    const logic = op === 'and' || op === 'or';
    const equality = op === '==' || op === '!=';
    const a = this.part(left, logic ? 'condition' : equality ? 'any' : 'number');
    const b = this.part(right, logic ? 'condition' : !equality ? 'number' : a.type === 'state' ? 'any' : a.type);
    const arithmetic = op === '+' || op === '-' || op === '*' || op === '/' || op === '%';
    return {
      type: arithmetic ? 'number' : 'condition',
      make: (run) => binary(op, a.make(run), b.make(run), this.#deadband),
    };
  }

  /** `quality(point) == good`: the words of qualities are none elsewhere, so they stay free as aliases. */
  #compareQuality({ op, left, right, at }: Binary): Part {
    const [call, word] = isQuality(left) ? [left, right] : [right as Call, left];
    if (op !== '==' && op !== '!=') throw this.#wrong('wrong_type', at, `"${op}"`, '== or != beside quality(…)');
    const text = word.type === 'word' || word.type === 'quoted' ? word.text.replaceAll('_', '-') : undefined;
    const quality = QUALITIES.findIndex((name) => name === text);
    if (quality < 0) {
      const found = text === undefined ? 'no word' : `"${text}"`;
      throw this.#wrong('wrong_type', startOf(word), found, `${QUALITIES.slice(0, -1).join(', ')} or out_of_range`);
    }
    const point = this.#single(call);
    if (point.type !== 'word' && point.type !== 'quoted') {
      throw this.#wrong('wrong_type', startOf(point), 'an expression', 'a point');
    }
    const { quality: qualityOf } = this.#value(point.text, point.at);
    const same = op === '==' ? 1 : 0;
    return {
      type: 'condition',
      make: (run) => {
        const found = qualityOf(run);
        return () => (found() === quality ? same : 1 - same);
      },
    };
  }

  #single(call: Call): Tree {
    const [first] = call.args;
    if (call.args.length === 1 && first !== undefined) return first;
    throw this.#wrong('wrong_arguments', call.at, `${call.args.length} arguments`, 'one: quality(point)');
  }

  #call(call: Call): Part {
    const { name, args, at } = call;
    if (isQuality(call)) {
      throw this.#wrong('wrong_type', at, 'a quality', 'a comparison of it, for example quality(x) == good');
    }
    const definition = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
    if (definition === undefined) {
      const names = [...Object.keys(FUNCTIONS), 'quality'];
      const meant = nearest(name, names);
      const allowed = meant === undefined ? names.join(', ') : `${meant} perhaps`;
      throw this.#wrong('unknown_function', at, `"${name}", which is no function`, allowed);
    }
    this.#checkCount(definition, args.length, at);
    const { parameters, make, result } = definition;
    const parts = args.map((arg, index) => this.#argument(arg, parameters[index] ?? (parameters.at(-1) as Parameter)));
    const timeZone = this.#timeZone;
    if (definition.past === true) {
      this.reads.past.add(name);
      if (name === 'rate' && args.length === 1) this.#lookBack(DEFAULT_RATE_WINDOW_MS);
    }
    return {
      type: result,
      make: (run) => {
        const given: Argument[] = parts.map(({ part, constant }) => ({ compute: part.make(run), constant }));
        return make(given, run, timeZone);
      },
    };
  }

  #checkCount({ parameters, optional = 0, repeated = false, form }: FunctionDefinition, given: number, at: Position) {
    if (given >= parameters.length - optional && (repeated || given <= parameters.length)) return;
    throw this.#wrong('wrong_arguments', at, `${given} argument${given === 1 ? '' : 's'}`, form);
  }

  #argument(tree: Tree, wanted: Parameter): { part: Part; constant: number } {
    switch (wanted) {
      case 'number':
      case 'condition':
      case 'any':
        return { part: this.part(tree, wanted), constant: NaN };
      case 'duration':
        return written(this.#lookBack(this.#duration(tree)));
      case 'time':
        return written(this.#time(tree));
    }
  }

  #lookBack(ms: number): number {
    this.reads.longestMs = Math.max(this.reads.longestMs, ms);
    return ms;
  }

  #duration(tree: Tree): number {
    const match = tree.type === 'word' ? DURATION.exec(tree.text) : null;
    const ms = match === null ? NaN : Number(match[1]) * (UNIT_MS[match[2] as string] as number);
    if (ms >= 1 && ms <= MAX_DURATION_MS) return ms;
    const found = tree.type === 'word' ? `"${tree.text}"` : 'an expression';
    throw this.#wrong('wrong_type', startOf(tree), found, 'a duration from 1ms to 31d, for example 500ms, 10s, 5m, 2h');
  }

  #time(tree: Tree): number {
    const match = tree.type === 'word' ? TIME.exec(tree.text) : null;
    if (match !== null) return Number(match[1]) * 60 + Number(match[2]);
    const found = tree.type === 'word' ? `"${tree.text}"` : 'an expression';
    throw this.#wrong('wrong_type', startOf(tree), found, 'a time of day from 00:00 to 23:59');
  }

  #wrong(problem: ExpressionProblem, at: Position, found: string, allowed: string): ExpressionError {
    return new ExpressionError(problem, this.#source, at, found, allowed);
  }
}

function constant(type: PartType, value: number): Part {
  return { type, make: () => () => value };
}

/** An argument that is no expression. */
function written(value: number): { part: Part; constant: number } {
  return { part: constant('number', value), constant: value };
}

function isQuality(tree: Tree): tree is Call {
  return tree.type === 'call' && tree.name === 'quality';
}

function startOf(tree: Tree): Position {
  return tree.type === 'binary' ? startOf(tree.left) : tree.at;
}
