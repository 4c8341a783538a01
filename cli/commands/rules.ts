import { InvalidArgumentError, type Command } from 'commander';
import {
  RULE_COMMANDS,
  RULE_STATES,
  type DryRunRule,
  type RuleDryRun,
  type RuleExecution,
  type RulesQuery,
  type RuleView,
} from '../../actors/client/rules.js';
import type { Cli } from '../cli.js';
import { EXIT } from '../exit-codes.js';
import { parseTime } from '../parse.js';
import { printFields } from '../render/fields.js';
import type { Column } from '../render/table.js';
import { formatAge, formatTime, formatValue, NOTHING, safe, safeLines } from '../render/text.js';
import type { Tone } from '../render/tone.js';
import { examples, GROUPS } from './help.js';

const ID = /^[A-Za-z0-9_-]{1,64}$/;

export function addRules(program: Command, cli: Cli): void {
  const rules = program
    .command('rules')
    .helpGroup(GROUPS.look)
    .summary('list, show, evaluate, execute, dry-run, enable, disable, executions')
    .description('What is done when a condition becomes true. Lists the rules when no command is given.')
    .addHelpText(
      'after',
      examples(
        'statewatt rules --state active',
        'statewatt rules show battery_hot',
        'statewatt rules evaluate battery_hot',
      ),
    );

  rules
    .command('list', { isDefault: true })
    .description('list every rule')
    .option('--state <state>', `only those in this state: ${RULE_STATES.join(', ')}`, parseState)
    .option('--text <text>', 'only those with this in id, name or description')
    .action((options: RulesQuery) =>
      cli.withClient(async (client) => {
        const found: RuleView[] = [];
        for (let cursor: string | null | undefined; cursor !== null;) {
          const page = await client.rules.list(cursor === undefined ? options : { ...options, cursor });
          found.push(...page.rules);
          cursor = page.nextCursor;
        }
        if (cli.json) await cli.document(found);
        else await cli.table(columns(cli.now()), found);
      }),
    );

  rules
    .command('show')
    .description('one rule: state, condition, the values that it was seen with, actions')
    .argument('<id>', 'rule', parseRule)
    .action((id: string) =>
      cli.withClient(async (client) => {
        const rule = await client.rules.get(id);
        if (cli.json) await cli.document(rule);
        else await printRule(cli, rule);
      }),
    );

  rules
    .command('evaluate')
    .description('evaluate a rule now, with the newest values; it fires when its condition is true')
    .argument('<id>', 'rule', parseRule)
    .action((id: string) =>
      cli.withClient(async (client) => {
        const execution = await client.rules.evaluate(id, {});
        if (!execution.triggered) cli.exitCode = EXIT.bad;
        if (cli.json) return cli.document(execution);
        const found = execution.condition ?? 'unknown';
        await cli.line(`${safe(id)}: the condition is ${found} with ${valuesOf(execution)}`);
      }),
    );

  rules
    .command('execute')
    .description('take the actions of its firing now, whatever its condition is')
    .argument('<id>', 'rule', parseRule)
    .action((id: string) =>
      cli.withClient(async (client) => {
        const execution = await client.rules.execute(id, {});
        if (cli.json) return cli.document(execution);
        const count = execution.steps.length;
        await cli.line(`${safe(id)}: run ${execution.number}, ${count} ${count === 1 ? 'action' : 'actions'}`);
      }),
    );

  for (const command of RULE_COMMANDS) {
    rules
      .command(command)
      .description(command === 'enable' ? 'watch its condition' : 'do not watch its condition')
      .argument('<id>', 'rule', parseRule)
      .action((id: string) =>
        cli.withClient(async (client) => {
          const rule = await client.rules.command(id, command);
          if (cli.json) await cli.document(rule);
          else await cli.line(`${safe(id)}: ${rule.state}`);
        }),
      );
  }

  const time = (text: string) => parseTime(text, cli.now());
  rules
    .command('dry-run')
    .description('what a rule would have done with the values that history has; nothing is done')
    .argument('<id>', 'rule', parseRule)
    .option('--from <time>', 'first moment (default: a week before --to)', time)
    .option('--to <time>', 'moment after the last (default: now)', time)
    .action((id: string, span: DryRunRule) =>
      cli.withClient(async (client) => {
        const found = await client.rules.dryRun(id, span);
        if (cli.json) return cli.document(found);
        const { fired, from, to, reached, complete, samples, firings } = found;
        const until = formatTime(complete ? to : reached);
        await cli.line(`${safe(id)} would have fired ${fired} times from ${formatTime(from)} to ${until}`);
        await cli.table(FIRINGS, firings);
        if (!complete) await cli.remark(`It ended before ${formatTime(to)}, after ${samples} values.`);
      }),
    );

  rules
    .command('executions')
    .description('what a rule has done, newest first')
    .argument('<id>', 'rule', parseRule)
    .action((id: string) =>
      cli.withClient(async (client) => {
        const { executions } = await client.rules.executions(id, {});
        if (cli.json) await cli.document(executions);
        else await cli.table(EXECUTIONS, executions);
      }),
    );
}

function columns(now: number): readonly Column<RuleView>[] {
  return [
    { title: 'ID', value: (rule) => safe(rule.id) },
    { title: 'STATE', value: (rule) => rule.state, tone: (rule) => toneOf(rule) },
    { title: 'SINCE', value: (rule) => formatAge(rule.since === 0 ? null : rule.since, now), align: 'right' },
    { title: 'FIRED', value: (rule) => formatAge(rule.firedAt, now), align: 'right' },
    { title: 'RUNS', value: (rule) => String(rule.executions), align: 'right' },
    { title: 'FROM', value: (rule) => (rule.source === 'site' ? 'site file' : 'caller') },
    { title: 'NAME', value: (rule) => safe(rule.name), shrinks: true },
    { title: 'PROBLEM', value: (rule) => safe(rule.problem ?? NOTHING), shrinks: true },
  ];
}

function toneOf({ state, problem }: RuleView): Tone {
  if (state === 'stopped' || state === 'failed' || problem !== null) return 'alarm';
  return state === 'active' || state === 'holding' ? 'warning' : 'none';
}

const EXECUTIONS: readonly Column<RuleExecution>[] = [
  { title: 'RUN', value: ({ number }) => String(number), align: 'right' },
  { title: 'TIME', value: ({ at }) => formatTime(at) },
  { title: 'WHY', value: ({ trigger }) => trigger },
  { title: 'CONDITION', value: ({ condition }) => String(condition ?? 'unknown') },
  { title: 'ACTIONS', value: ({ steps }) => safe(steps.map(stepOf).join(', ') || NOTHING), shrinks: true },
  { title: 'VALUES', value: (execution) => valuesOf(execution), shrinks: true },
];

const FIRINGS: readonly Column<RuleDryRun['firings'][number]>[] = [
  { title: 'FIRED', value: ({ at }) => formatTime(at) },
  { title: 'RETURNED', value: ({ returnedAt }) => (returnedAt === null ? NOTHING : formatTime(returnedAt)) },
  { title: 'VALUES', value: (firing) => valuesOf(firing), shrinks: true },
];

function stepOf({ action, status, error }: RuleExecution['steps'][number]): string {
  return `${action + 1} ${status}${error === undefined ? '' : ` (${error.code}: ${error.message})`}`;
}

function valuesOf({ values }: Pick<RuleView, 'values'>): string {
  const shown = Object.entries(values).map(([address, value]) => {
    return `${address} = ${value === null ? 'unknown' : formatValue(value)}`;
  });
  return safe(shown.join(', ') || NOTHING);
}

async function printRule(cli: Cli, rule: RuleView): Promise<void> {
  const { condition } = rule;
  const text = typeof condition === 'string' ? condition : JSON.stringify(condition);
  await printFields(cli, [
    ['rule', safe(rule.id)],
    ['name', safe(rule.name)],
    ['actor', safe(rule.ref)],
    ['from', rule.source === 'site' ? 'the site file' : 'a caller'],
    ['state', `${rule.state}, ${rule.since === 0 ? 'never entered' : `since ${formatTime(rule.since)}`}`, toneOf(rule)],
    ['condition', safe(text)],
    ['is', `${rule.value ?? 'unknown'} with ${valuesOf(rule)}`],
    ['hold, cooldown', `${rule.holdMs} ms, ${rule.cooldownMs} ms`],
    ['deadband', String(rule.deadband)],
    ['priority', String(rule.priority)],
    ['last fired', rule.firedAt === null ? NOTHING : formatTime(rule.firedAt)],
    ['problem', safe(rule.problem ?? NOTHING)],
    ['may set itself off', safe(rule.loop ?? NOTHING)],
  ]);
  await cli.line(`\nactions\n${safeLines(JSON.stringify(rule.actions, null, 2))}`);
}

function parseRule(text: string): string {
  if (ID.test(text)) return text;
  throw new InvalidArgumentError('Allowed are 1 to 64 of A-Z a-z 0-9 _ -.');
}

function parseState(text: string): (typeof RULE_STATES)[number] {
  const state = RULE_STATES.find((known) => known === text);
  if (state !== undefined) return state;
  throw new InvalidArgumentError(`Allowed are ${RULE_STATES.join(', ')}.`);
}
