import type { Command } from 'commander';
import type { ActorDetail } from '../../actors/client/schemas.js';
import type { Cli } from '../cli.js';
import { parseRef } from '../parse.js';
import { printFields } from '../render/fields.js';
import type { Column } from '../render/table.js';
import { NOTHING, formatAge, formatTime, safe, safeLines } from '../render/text.js';
import { actorTone } from '../render/tone.js';
import { GROUPS, examples } from './help.js';

const TRANSITIONS: readonly Column<ActorDetail['transitions'][number]>[] = [
  { title: 'TIME', value: (transition) => formatTime(transition.at) },
  { title: 'SEQ', value: (transition) => String(transition.seq), align: 'right' },
  { title: 'EVENT', value: (transition) => safe(transition.event), shrinks: true },
  { title: 'FROM', value: (transition) => safe(transition.from), shrinks: true },
  { title: 'TO', value: (transition) => safe(transition.to), shrinks: true },
];

function timerColumns(now: number): readonly Column<ActorDetail['timers'][number]>[] {
  return [
    { title: 'DUE', value: (timer) => formatTime(timer.due) },
    { title: 'IN', value: (timer) => (timer.due <= now ? 'now' : formatAge(now, timer.due)), align: 'right' },
    { title: 'EVENT', value: (timer) => safe(timer.event), shrinks: true },
    { title: 'TIMER', value: (timer) => safe(timer.id ?? NOTHING), shrinks: true },
  ];
}

export function addShow(program: Command, cli: Cli): void {
  program
    .command('show')
    .helpGroup(GROUPS.look)
    .summary('one actor: state, context, timers, last transitions')
    .description('Shows one actor: its state, its context, the timers that it waits for, and its last transitions.')
    .argument('<ref>', 'actor, such as channel/1001', parseRef)
    .addHelpText('after', examples('statewatt show channel/1001', "statewatt show channel/1001 --json | jq '.context'"))
    .action((ref: string) =>
      cli.withClient(async (client) => {
        const actor = await client.actor(ref);
        if (cli.json) await cli.document(actor);
        else await printActor(cli, actor);
      }),
    );
}

async function printActor(cli: Cli, actor: ActorDetail): Promise<void> {
  await printFields(cli, [
    ['actor', safe(actor.ref)],
    ['state', safe(actor.state), actorTone(actor.state)],
    ['node', `${safe(actor.node)}, partition ${actor.partition}`],
    ['active for', formatAge(actor.activatedAt, cli.now())],
    ['mailbox', String(actor.mailbox)],
    ['restarts', String(actor.restarts)],
    ['journal', `sequence ${actor.seq}`],
    ['last error', safe(actor.lastError ?? NOTHING)],
  ]);
  await cli.line(`\ncontext\n${safeLines(JSON.stringify(actor.context, null, 2) ?? NOTHING)}\n`);
  if (actor.timers.length > 0) {
    await cli.table(timerColumns(cli.now()), actor.timers);
    await cli.line('');
  }
  if (actor.transitions.length > 0) await cli.table(TRANSITIONS, actor.transitions);
  else await cli.line('no transitions since it became active');
}
