import { and, compare, or } from './operators.js';
import type { Compute, Run } from './run.js';
import { DAY_MINUTES, WallClock } from './time-of-day.js';
import { Window } from './window.js';

/** What an argument must be. A `number` or `condition` is any expression; the others are written out. */
export type Parameter = 'number' | 'condition' | 'any' | 'duration' | 'time';

/** An argument of a call that runs. */
export interface Argument {
  readonly compute: Compute;
  /** Of a duration: ms; of a time: minutes since midnight; of a point: its slot. */
  readonly constant: number;
}

export interface FunctionDefinition {
  /** How it is called, for messages and the documentation. */
  readonly form: string;
  readonly parameters: readonly Parameter[];
  /** How many of the parameters may be left out, from the end. */
  readonly optional?: number;
  /** The last parameter may be given again and again. */
  readonly repeated?: boolean;
  readonly result: 'number' | 'condition';
  /** What it gives depends on values of before. */
  readonly past?: true;
  readonly make: (args: readonly Argument[], run: Run, timeZone: string | undefined) => Compute;
}

export const DEFAULT_RATE_WINDOW_MS = 60_000;

/** Every function of the language but `quality`, which only compares (see check.ts). */
export const FUNCTIONS: Readonly<Record<string, FunctionDefinition>> = {
  abs: unary('abs', Math.abs),
  sqrt: unary('sqrt', Math.sqrt),
  round: unary('round', Math.round),
  min: extreme('min', (a, b) => Math.min(a, b)),
  max: extreme('max', (a, b) => Math.max(a, b)),
  clamp: {
    form: 'clamp(number, lowest, highest)',
    parameters: ['number', 'number', 'number'],
    result: 'number',
    make: ([value, lowest, highest]) => {
      const [x, low, high] = [of(value), of(lowest), of(highest)];
      return () => Math.min(Math.max(x(), low()), high());
    },
  },
  if: {
    form: 'if(condition, number, number)',
    parameters: ['condition', 'number', 'number'],
    result: 'number',
    make: ([condition, yes, no]) => {
      const [test, then, otherwise] = [of(condition), of(yes), of(no)];
      return () => {
        const [is, a, b] = [test(), then(), otherwise()];
        return is === 1 ? a : is === 0 ? b : NaN;
      };
    },
  },
  coalesce: {
    form: 'coalesce(number, number, …)',
    parameters: ['number', 'number'],
    repeated: true,
    result: 'number',
    make: (args) => {
      const computes = args.map(of);
      return () => {
        let first = NaN;
        for (const compute of computes) {
          const value = compute();
          if (Number.isNaN(first)) first = value;
        }
        return first;
      };
    },
  },
  known: {
    form: 'known(number or condition)',
    parameters: ['any'],
    result: 'condition',
    make: ([argument]) => {
      const compute = of(argument);
      return () => (Number.isNaN(compute()) ? 0 : 1);
    },
  },
  count: {
    form: 'count(condition, …)',
    parameters: ['condition'],
    repeated: true,
    result: 'number',
    make: (args) => sum(args.map(of)),
  },
  all: fold('all', 1, and),
  any: fold('any', 0, or),
  avg: windowed('avg', (window) => window.mean()),
  lowest: windowed('lowest', (window) => window.lowest()),
  highest: windowed('highest', (window) => window.highest()),
  rate: { ...windowed('rate', (window) => window.slope()), form: 'rate(number, duration = 1m)', optional: 1 },
  held: {
    form: 'held(condition, duration)',
    parameters: ['condition', 'duration'],
    result: 'condition',
    past: true,
    make: held,
  },
  hysteresis: {
    form: 'hysteresis(number, on, off)',
    parameters: ['number', 'number', 'number'],
    result: 'condition',
    past: true,
    make: hysteresis,
  },
  between: { form: 'between(08:00, 18:00)', parameters: ['time', 'time'], result: 'condition', make: between },
  weekday: { form: 'weekday()', parameters: [], result: 'number', make: weekday },
};

function of(argument: Argument | undefined): Compute {
  return (argument as Argument).compute; // check.ts has counted them.
}

function unary(name: string, apply: (value: number) => number): FunctionDefinition {
  return {
    form: `${name}(number)`,
    parameters: ['number'],
    result: 'number',
    make: ([argument]) => {
      const compute = of(argument);
      return () => apply(compute());
    },
  };
}

function extreme(name: string, choose: (a: number, b: number) => number): FunctionDefinition {
  return {
    form: `${name}(number, number, …)`,
    parameters: ['number', 'number'],
    repeated: true,
    result: 'number',
    make: (args) => args.map(of).reduce((a, b) => () => choose(a(), b())),
  };
}

function fold(name: string, start: number, join: (a: number, b: number) => number): FunctionDefinition {
  return {
    form: `${name}(condition, …)`,
    parameters: ['condition'],
    repeated: true,
    result: 'condition',
    make: (args) => {
      const computes = args.map(of);
      return () => {
        let result = start;
        for (const compute of computes) result = join(result, compute());
        return result;
      };
    },
  };
}

function sum(computes: readonly Compute[]): Compute {
  return () => {
    let total = 0;
    for (const compute of computes) total += compute();
    return total;
  };
}

function windowed(name: string, answer: (window: Window) => number): FunctionDefinition {
  return {
    form: `${name}(number, duration)`,
    parameters: ['number', 'duration'],
    result: 'number',
    past: true,
    make: ([argument, duration], run) => {
      const compute = of(argument);
      const window = new Window(duration?.constant ?? DEFAULT_RATE_WINDOW_MS);
      return () => {
        window.put(run.now, compute());
        run.wake(window.movesAt);
        return answer(window);
      };
    },
  };
}

/** True once the condition has been true without a break for the duration; what is unknown breaks it. */
function held([condition, duration]: readonly Argument[], run: Run): Compute {
  const compute = of(condition);
  const ms = (duration as Argument).constant;
  let since = NaN;
  return () => {
    const is = compute();
    if (is !== 1) {
      since = NaN;
      return is;
    }
    if (Number.isNaN(since)) since = run.now;
    if (run.now - since >= ms) return 1;
    run.wake(since + ms);
    return 0;
  };
}

/** Turns true at `on` and false at `off`; between the two it stays what it was, false at first. */
function hysteresis([value, on, off]: readonly Argument[]): Compute {
  const [x, upper, lower] = [of(value), of(on), of(off)];
  let state = 0;
  return () => {
    const [now, onAt, offAt] = [x(), upper(), lower()];
    const direction = compare(onAt, offAt);
    const reachedOn = direction * compare(now, onAt);
    const reachedOff = direction * compare(now, offAt);
    if (Number.isNaN(reachedOn) || Number.isNaN(reachedOff)) return NaN;
    if (reachedOn >= 0) state = 1;
    else if (reachedOff <= 0) state = 0;
    return state;
  };
}

/** From the first time of day, included, to the second, excluded; across midnight when the second is the earlier. */
function between([from, to]: readonly Argument[], run: Run, timeZone: string | undefined): Compute {
  const clock = new WallClock(timeZone);
  const [start, end] = [(from as Argument).constant, (to as Argument).constant];
  return () => {
    const minute = clock.minuteOfDay(run.now);
    for (const boundary of [start, end]) {
      run.wake(run.now + ((boundary - minute + DAY_MINUTES) % DAY_MINUTES || DAY_MINUTES) * 60_000);
    }
    const inside = start <= end ? minute >= start && minute < end : minute >= start || minute < end;
    return inside ? 1 : 0;
  };
}

function weekday(_args: readonly Argument[], run: Run, timeZone: string | undefined): Compute {
  const clock = new WallClock(timeZone);
  return () => {
    run.wake(run.now + (DAY_MINUTES - clock.minuteOfDay(run.now)) * 60_000);
    return clock.weekday(run.now);
  };
}
