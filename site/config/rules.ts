import { compileExpression, ExpressionError, sitePoints, type PointScope } from '../expressions/index.js';
import type { Site } from '../model.js';
import { formatPointAddress, isState, parsePointAddress } from '../points.js';
import type { Rule, RuleAction } from '../rules/rule.js';
import type { AliasesFile, RuleFile } from '../rules/schema.js';
import { show } from './problems.js';
import type { Block } from './source.js';

type ActionFile = RuleFile['actions'][number];
type AlarmFile = Extract<ActionFile, { type: 'alarm' }>;

/** The aliases of a site, each with its address in one form. */
export function readAliases(file: AliasesFile, site: Pick<Site, 'channels'>, block: Block): Record<string, string> {
  const points = sitePoints(site);
  const aliases: Record<string, string> = {};
  for (const [name, text] of Object.entries(file)) {
    const address = parsePointAddress(text);
    if (address === undefined || points.find(address) === undefined)
      block.report(name, show(text), points.allowed(text));
    else aliases[name] = formatPointAddress(address);
  }
  return aliases;
}

/** The rules of a site, ascending by id. Every condition is compiled once, so that a wrong one is told with its place. */
export function readRules(files: readonly RuleFile[], site: Pick<Site, 'channels' | 'aliases'>, block: Block): Rule[] {
  const points = sitePoints(site, site.aliases);
  const first = new Map<string, number>();
  const rules = files.flatMap((file, index) => {
    const at = block.at(index);
    const other = first.get(file.id);
    if (other !== undefined) at.report('id', `${show(file.id)}, which rules[${other}] has too`, 'each id once');
    else first.set(file.id, index);
    const rule = readRule(file, points, site, at);
    return rule === undefined ? [] : [rule];
  });
  return rules.sort((a, b) => (a.id < b.id ? -1 : 1));
}

function readRule(file: RuleFile, points: PointScope, site: Pick<Site, 'channels'>, block: Block): Rule | undefined {
  const { id, condition, deadband = 0 } = file;
  const actions = file.actions.flatMap((action, index) =>
    action.type === 'alarm'
      ? alarmActions(action, file)
      : [readAction(action, points, site, block.at('actions', index))],
  );
  try {
    compileExpression(condition, { points, result: 'condition', deadband });
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const { line, column, found, allowed } = error;
    block.report('condition', found, allowed, `at ${line}:${column} of it, found ${found}, allowed ${allowed}`);
    return undefined;
  }
  if (!actions.every((action) => action !== undefined)) return undefined;
  return {
    id,
    name: file.name ?? id,
    description: file.description ?? '',
    enabled: file.enabled ?? true,
    priority: file.priority ?? 0,
    expression: condition,
    holdMs: file.hold_ms ?? 0,
    cooldownMs: file.cooldown_ms ?? 0,
    deadband,
    actions,
  };
}

/** Raised when the rule fires and, if so wanted, cleared when its condition is false again. */
function alarmActions(action: AlarmFile, rule: RuleFile): RuleAction[] {
  const { level, title = rule.name ?? rule.id, source = `rule:${rule.id}`, clears = true } = action;
  const { description, classification, group } = action;
  const onFailure = action.on_failure ?? 'stop';
  const alarm = {
    source,
    level,
    title,
    ...(description === undefined ? {} : { description }),
    ...(classification === undefined ? {} : { classification }),
    ...(group === undefined ? {} : { group }),
  };
  const raise: RuleAction = { on: 'fires', onFailure, type: 'raiseAlarm', alarm };
  return clears ? [raise, { on: 'returns', onFailure, type: 'clearAlarm', source }] : [raise];
}

function readAction(
  file: Exclude<ActionFile, AlarmFile>,
  points: PointScope,
  site: Pick<Site, 'channels'>,
  block: Block,
): RuleAction | undefined {
  const moment = { on: file.on ?? 'fires', onFailure: file.on_failure ?? 'stop' } as const;
  if (file.type === 'webhook') return { ...moment, type: file.type, url: file.url, ...bodyOf(file) };
  if (file.type === 'publish') return { ...moment, type: file.type, subject: file.subject, ...bodyOf(file) };
  const point = readTarget(file.point, file.value, points, site, block);
  return point === undefined ? undefined : { ...moment, type: 'write', point, value: file.value };
}

function bodyOf({ body }: { body?: unknown }): { body?: unknown } {
  return body === undefined ? {} : { body };
}

/** The address of a point that can take the value. */
function readTarget(
  written: string,
  value: number,
  points: PointScope,
  site: Pick<Site, 'channels'>,
  block: Block,
): string | undefined {
  const address = points.alias(written) ?? parsePointAddress(written);
  const channel = site.channels.find(({ id }) => id === address?.channel);
  const point = channel?.points.find(({ kind, id }) => kind === address?.kind && id === address.id);
  if (address === undefined || point === undefined) {
    block.report('point', `${show(written)}, which is no point`, points.allowed(written));
    return undefined;
  }
  if ((point.kind !== 'C' && point.kind !== 'A') || point.dataType === 'string') {
    block.report('point', `${show(written)}, a point of kind ${point.kind}`, 'a number of kind C or A');
    return undefined;
  }
  const { min = -Infinity, max = Infinity } = point;
  const fits = isState(point.kind) ? value === 0 || value === 1 : value >= min && value <= max;
  if (fits) return formatPointAddress(address);
  block.report('value', String(value), isState(point.kind) ? '0 or 1' : `${min} to ${max}`);
  return undefined;
}
