import { readFileSync } from 'node:fs';

/**
 * Loaded into a node before all else (`--import`): its clock is off by the ms that stand in the file CHAOS_CLOCK, and jumps
 * when these change. Only the time of day does, as when somebody sets a clock: what measures spans
 * (`performance.now()`, timers) goes on as it was.
 */
const EVERY_MS = 50;

const file = process.env.CHAOS_CLOCK;
if (file !== undefined) {
  const trueNow = Date.now;
  let offsetMs = 0;
  const look = (): void => {
    const read = Number(readFileSync(file, 'utf8'));
    if (Number.isFinite(read)) offsetMs = read;
  };
  look();
  setInterval(look, EVERY_MS).unref();
  Date.now = () => trueNow() + offsetMs;
  globalThis.Date = new Proxy(Date, {
    construct: (target, args: unknown[], newTarget) =>
      Reflect.construct(target, args.length === 0 ? [Date.now()] : args, newTarget) as Date,
  });
}
