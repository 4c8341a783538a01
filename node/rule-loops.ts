import { ruleRef, type RuleKind } from '../actors/rule.js';
import type { ActorSystem } from '../actors/runtime/system.js';
import type { RuleContext } from '../machines/rule.js';
import { compileExpression, ExpressionError, sitePoints, type PointScope } from '../site/expressions/index.js';
import type { Site } from '../site/model.js';
import { formatPointAddress } from '../site/points.js';
import { findLoops } from '../site/rules/loops.js';
import type { Rule } from '../site/rules/rule.js';

/** Points of channels that a rule's actions change, by address. */
export function writesOf({ actions }: Pick<Rule, 'actions'>, { channels, models }: Pick<Site, 'channels' | 'models'>) {
  return actions.flatMap((action): string[] => {
    switch (action.type) {
      case 'write':
        return [action.point];
      case 'set': {
        if (action.model === undefined) return [action.point];
        const model = models.find(({ definition }) => definition.id === action.model);
        const route = model?.points.find(({ name }) => name === action.point)?.route;
        return route === undefined ? [] : [formatPointAddress(route)];
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
export async function relateRules(system: ActorSystem, kind: RuleKind, site: Site): Promise<void> {
  const contexts = (await system.list(kind.kind)).flatMap(({ context }) => {
    const known = context as RuleContext | undefined;
    return known === undefined || known.rule === null ? [] : [{ ...known, rule: known.rule }];
  });
  const points = sitePoints(site, site.aliases);
  const loops = findLoops(
    contexts.map(({ rule }) => ({ id: rule.id, reads: readsOf(rule, points), writes: writesOf(rule, site) })),
  );
  for (const { rule, loop } of contexts) {
    const found = loops.get(rule.id) ?? null;
    if (found !== loop) await system.ask(ruleRef(kind, rule.id), { type: 'relate', loop: found });
  }
}

/** None of a rule whose points the site has not got any more. */
function readsOf({ expression }: Rule, points: PointScope): string[] {
  try {
    return compileExpression(expression, { points, result: 'condition' }).points.map(formatPointAddress);
  } catch (error) {
    if (error instanceof ExpressionError) return [];
    throw error;
  }
}
