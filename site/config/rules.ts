import { sitePoints } from '../expressions/index.js';
import type { Site } from '../model.js';
import { formatModelAddress } from '../models/address.js';
import { formatPointAddress, parsePointAddress } from '../points.js';
import { buildRule } from '../rules/build.js';
import { RULE_DEFAULTS, type ActionDefinition, type RuleDefinition } from '../rules/definition.js';
import type { Rule } from '../rules/rule.js';
import type { AliasesFile, RuleFile } from '../rules/schema.js';
import { show } from './problems.js';
import type { Block } from './source.js';

/** The aliases of a site, each with its address in one form. */
export function readAliases(
  file: AliasesFile,
  site: Pick<Site, 'channels' | 'models'>,
  block: Block,
): Record<string, string> {
  const points = sitePoints(site);
  const aliases: Record<string, string> = {};
  for (const [name, text] of Object.entries(file)) {
    const ofModel = points.model?.(text);
    if (ofModel !== undefined && points.meaning?.(text) !== undefined) {
      aliases[name] = formatModelAddress(ofModel);
      continue;
    }
    const address = parsePointAddress(text);
    if (address === undefined || points.find(address) === undefined)
      block.report(name, show(text), points.allowed(text));
    else aliases[name] = formatPointAddress(address);
  }
  return aliases;
}

/** The rules of a site, ascending by id. What is wrong with them is told with its place. */
export function readRules(
  files: readonly RuleFile[],
  site: Pick<Site, 'channels' | 'aliases' | 'models'>,
  block: Block,
): Rule[] {
  const { channels, models } = site;
  const parts = { points: sitePoints(site, site.aliases), channels, models, otherModels: false };
  const first = new Map<string, number>();
  const rules = files.flatMap((file, index) => {
    const at = block.at(index);
    const other = first.get(file.id);
    if (other !== undefined) at.report('id', `${show(file.id)}, which rules[${other}] has too`, 'each id once');
    else first.set(file.id, index);
    const rule = buildRule(toDefinition(file), parts, at);
    return rule === undefined ? [] : [rule];
  });
  return rules.sort((a, b) => (a.id < b.id ? -1 : 1));
}

function toDefinition(file: RuleFile): RuleDefinition {
  const { hold_ms: holdMs, cooldown_ms: cooldownMs, actions, ...rest } = file;
  return {
    ...RULE_DEFAULTS,
    name: file.id,
    ...rest,
    ...(holdMs === undefined ? {} : { holdMs }),
    ...(cooldownMs === undefined ? {} : { cooldownMs }),
    actions: actions.map(({ on_failure: onFailure, ...action }): ActionDefinition => {
      return onFailure === undefined ? action : { ...action, onFailure };
    }),
  };
}
