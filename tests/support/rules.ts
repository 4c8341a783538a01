import { FrameRouter } from '../../actors/rule/frame-router.js';
import type { ActionRun, RuleParts } from '../../actors/rule/worker.js';
import { LiveFeed } from '../../actors/projections/live-feed.js';
import { ANY_POINT, type PointScope } from '../../site/expressions/index.js';
import { GOOD, pointKey, type FramePosition, type PointValue } from '../../site/points.js';
import type { Rule, RuleAction } from '../../site/rules/rule.js';

/** An action whose outcome is waited for. */
export function acting(source: string, change: Partial<Pick<RuleAction, 'on' | 'onFailure'>> = {}): RuleAction {
  return { type: 'clearAlarm', source, on: 'fires', onFailure: 'stop', ...change };
}

export function testRule(change: Partial<Rule> = {}): Rule {
  return {
    ...{ id: 'hot', name: 'Hot', description: '', enabled: true, priority: 0, expression: '1:T:1 > 80' },
    ...{ holdMs: 0, cooldownMs: 0, deadband: 0, actions: [acting('hot')] },
    ...change,
  };
}

/** The surroundings of rules in memory: frames that the test sends, values that it sets, actions that it sees. */
export class RuleBench {
  readonly feed = new LiveFeed();
  readonly frames = new FrameRouter(this.feed);
  readonly taken: ActionRun[] = [];
  /** Values that readers have. */
  values: PointValue[] = [];
  /** The frames that these are as of, by channel. */
  readonly asOf = new Map<number, FramePosition>();
  reads = 0;
  /** The points that there are. */
  points: PointScope = ANY_POINT;
  readonly siteListeners = new Set<() => void>();
  /** What an action does. */
  act: (run: ActionRun) => Promise<void> = () => Promise.resolve();
  #seq = 0;

  readonly parts: RuleParts = {
    frames: this.frames,
    readChannel: (channel) => {
      this.reads += 1;
      const points = this.values.filter((value) => value.channel === channel);
      return Promise.resolve({ points, asOf: this.asOf.get(channel) });
    },
    points: () => this.points,
    timeZone: () => 'UTC',
    onSite: (listener) => {
      this.siteListeners.add(listener);
      return () => this.siteListeners.delete(listener);
    },
    act: async (run) => {
      this.taken.push(run);
      await this.act(run);
    },
  };

  /** A frame with the telemetry point of a channel. */
  send(
    value: number,
    {
      channel = 1,
      id = 1,
      quality = GOOD,
      epoch = 1,
      seq = (this.#seq += 1),
    }: { channel?: number; id?: number; quality?: number } & Partial<FramePosition> = {},
  ) {
    this.feed.publish({
      ...{ channel, epoch, seq, time: Date.now() },
      ...{ keys: Uint32Array.of(pointKey('T', id)), values: Float64Array.of(value), quality: Uint8Array.of(quality) },
    });
  }
}
