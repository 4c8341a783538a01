import { ruleRef, type RuleKind } from '../actors/rule.js';
import type { ActorSystem } from '../actors/runtime/system.js';
import type { RuleContext } from '../machines/rule.js';
import { compileExpression, ExpressionError, nameOfPoint, type PointScope } from '../site/expressions/index.js';
import type { Site } from '../site/model.js';
import { modelsNamedIn, type CallersModels } from './callers-models.js';
import type { SiteHolder } from './site-holder.js';
import { formatModelAddress, parseModelAddress } from '../site/models/address.js';
import type { Model } from '../site/models/model.js';
import { formatPointAddress } from '../site/points.js';
import { findLoops } from '../site/rules/loops.js';
import type { Rule } from '../site/rules/rule.js';

export interface WrittenSite extends Pick<Site, 'channels' | 'models'> {
  /** Models that the site file has not. */
  readonly otherModel?: (id: string) => Model | undefined;
}

/** Points that a rule's actions change, by address: of channels, and those that models hold. */
export function writesOf({ actions }: Pick<Rule, 'actions'>, site: WrittenSite): string[] {
  const { channels } = site;
  const modelOf = (id: string) => site.models.find(({ definition }) => definition.id === id) ?? site.otherModel?.(id);
  // What is written at a model goes to the channel point that it stands for, or is held.
  const changedBy = (model: string, point: string): string => {
    const route = modelOf(model)?.points.find(({ name }) => name === point)?.route;
    return route === undefined ? formatModelAddress({ model, point }) : formatPointAddress(route);
  };
  return actions.flatMap((action): string[] => {
    switch (action.type) {
      case 'write': {
        const address = parseModelAddress(action.point);
        return [address === undefined ? action.point : changedBy(address.model, address.point)];
      }
      case 'set': {
        if (action.model === undefined) return [action.point];
        return [changedBy(action.model, action.point)];
      }
      case 'simulate': {
        const { points = [] } = channels.find(({ id }) => id === action.channel) ?? {};
        const channel = action.channel;
        return action.command === 'stop' ? [] : points.map(({ kind, id }) => formatPointAddress({ channel, kind, id }));
      }
      case 'raiseAlarm':
      case 'clearAlarm':
      case 'webhook':
      case 'publish':
        return [];
    }
  });
}

/**
 * Tells each rule how it may set itself off again, by way of those of the site file and of callers, where that is another
 * than it knows. Without a rule of a caller that writes, the configuration has said it all.
 */
export async function relateRules(
  system: ActorSystem,
  kind: RuleKind,
  { site, points, otherModel }: Pick<SiteHolder, 'site' | 'points' | 'otherModel'>,
  models: Pick<CallersModels, 'during'>,
): Promise<void> {
  const contexts = (await system.list(kind.kind)).flatMap(({ state, context }) => {
    const known = context as RuleContext | undefined;
    const hears = state !== 'failed' && state !== 'starting';
    return known === undefined || known.rule === null ? [] : [{ ...known, rule: known.rule, hears }];
  });
  const written = { ...site, otherModel };
  const named = contexts.flatMap(({ rule }) => modelsNamedIn(rule));
  const find = () =>
    findLoops(
      contexts.map(({ rule }) => ({ id: rule.id, reads: readsOf(rule, points), writes: writesOf(rule, written) })),
    );
  const loops = await models.during(named, find, false);
  for (const { rule, loop, hears } of contexts) {
    const found = loops.get(rule.id) ?? null;
    // One that was given up, or is being restarted, is told with the next change of a rule.
    if (hears && found !== loop) await system.ask(ruleRef(kind, rule.id), { type: 'relate', loop: found });
  }
}

/** None of a rule whose points the site has not got any more. */
function readsOf({ expression }: Rule, points: PointScope): string[] {
  try {
    return compileExpression(expression, { points, result: 'condition' }).points.map(nameOfPoint);
  } catch (error) {
    if (error instanceof ExpressionError) return [];
    throw error;
  }
}
