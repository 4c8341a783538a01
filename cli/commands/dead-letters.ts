import type { Command } from 'commander';
import type {
  DeadLetterDetail,
  DeadLettersPage,
  DeadLettersQuery,
  DeadLetterView,
} from '../../actors/client/dead-letter-schemas.js';
import { toStatewattError } from '../../errors/error.js';
import type { Cli } from '../cli.js';
import { exitCodeOf } from '../exit-codes.js';
import { parseCount, parseLimit, parseRef, parseTime } from '../parse.js';
import { printFields } from '../render/fields.js';
import type { Column } from '../render/table.js';
import { NOTHING, formatAge, formatTime, safe, safeLines } from '../render/text.js';
import { GROUPS, examples } from './help.js';

interface ListOptions extends Omit<DeadLettersQuery, 'ref'> {
  actor?: string;
  all?: boolean;
}

export function addDeadLetters(program: Command, cli: Cli): void {
  const letters = program
    .command('dead-letters')
    .helpGroup(GROUPS.act)
    .summary('list, show, replay, discard')
    .description(
      'What actors could not process, and effects that could not be carried out. Lists them when no command is given.',
    )
    .addHelpText(
      'after',
      examples(
        'statewatt dead-letters',
        'statewatt dead-letters list --kind alarm --from -1d',
        'statewatt dead-letters show 17',
        'statewatt dead-letters replay 17 18',
      ),
    );
  addList(letters, cli);
  letters
    .command('show')
    .description('one letter: event, error, state, and what an effect was to do')
    .argument('<id>', 'dead letter', parseCount)
    .action((id: number) =>
      cli.withClient(async (client) => {
        const letter = await client.deadLetter(id);
        if (cli.json) await cli.document(letter);
        else await printLetter(cli, letter);
      }),
    );
  addDecision(letters, cli, 'replay');
  addDecision(letters, cli, 'discard');
}

function addList(letters: Command, cli: Cli): void {
  const time = (text: string) => parseTime(text, cli.now());
  letters
    .command('list', { isDefault: true })
    .description('list them, the oldest first, a page at a time')
    .option('--kind <kind>', 'only of actors of this kind')
    .option('--actor <ref>', 'only of this actor, such as channel/1001', parseRef)
    .option('--effect <name>', 'only effects of this name')
    .option('--from <time>', 'only those laid down since', time)
    .option('--to <time>', 'only those laid down before', time)
    .option('--limit <n>', 'letters of a page, 1 … 10000 (default: 1000)', parseLimit)
    .option('--cursor <cursor>', 'go on where a page ended: its nextCursor')
    .option('--all', 'every page')
    .allowExcessArguments() // Checked here: as the default command it gets what no other command is called.
    .action(({ actor, all, ...rest }: ListOptions, command: Command) => {
      const [unknown] = command.args;
      if (unknown !== undefined) {
        const allowed = letters.commands.map((each) => each.name()).join(', ');
        command.error(`error: unknown command '${unknown}'. Allowed are ${allowed}.`);
      }
      const query: DeadLettersQuery = { ...rest, ...(actor === undefined ? {} : { ref: actor }) };
      return cli.withClient(async (client) => {
        let page = await client.deadLetters(query);
        const found: DeadLettersPage = { ...page };
        while (all === true && page.nextCursor !== null) {
          page = await client.deadLetters({ ...query, cursor: page.nextCursor });
          found.letters = [...found.letters, ...page.letters];
          found.nextCursor = page.nextCursor;
        }
        if (cli.json) {
          await cli.document(found);
          return;
        }
        await cli.table(columns(cli.now()), found.letters);
        if (found.nextCursor !== null) {
          await cli.remark(`There are more: --all shows every one, --cursor ${safe(found.nextCursor)} the next page.`);
        }
      });
    });
}

const DECISIONS = {
  replay: 'send the command, or run the effect, again; what succeeds is no dead letter any more',
  discard: 'remove letters for good',
} as const;

/** Each letter by itself: one that fails is told and does not keep the next from its turn. */
function addDecision(letters: Command, cli: Cli, name: keyof typeof DECISIONS): void {
  letters
    .command(name)
    .description(DECISIONS[name])
    .argument('<ids...>', 'dead letters', (text: string, before: number[] = []) => [...before, parseCount(text)])
    .action((ids: number[]) =>
      cli.withClient(async (client) => {
        const outcomes: unknown[] = [];
        for (const id of ids) {
          try {
            const reply =
              name === 'replay'
                ? await client.replayDeadLetter(id)
                : await client.discardDeadLetter(id).then(() => ({ id, discarded: true }));
            outcomes.push(reply);
            if (!cli.json) await cli.line(`${id}: ${'ref' in reply ? describe(reply) : 'discarded'}`);
          } catch (thrown) {
            const error = toStatewattError(thrown);
            if (ids.length === 1) throw error;
            cli.exitCode = exitCodeOf(error.category);
            outcomes.push({ id, error: error.toJSON() });
            if (!cli.json) await cli.line(`${id}: ${safe(error.code)}: ${safe(error.message)}`, 'alarm');
          }
        }
        if (cli.json) await cli.document(outcomes);
      }),
    );
}

function describe({ ref, answer }: { ref: string; answer: unknown }): string {
  return answer === null
    ? `${safe(ref)} has done it`
    : `${safe(ref)} answered ${safe(JSON.stringify(answer) ?? NOTHING)}`;
}

function columns(now: number): readonly Column<DeadLetterView>[] {
  return [
    { title: 'ID', value: (letter) => String(letter.id), align: 'right' },
    { title: 'AGE', value: (letter) => formatAge(letter.parkedAt, now), align: 'right' },
    { title: 'ACTOR', value: (letter) => safe(letter.ref) },
    { title: 'EVENT', value: (letter) => safe(letter.event), shrinks: true },
    { title: 'EFFECT', value: (letter) => safe(letter.effect ?? NOTHING), shrinks: true },
    { title: 'CODE', value: (letter) => safe(letter.error.code) },
    { title: 'ERROR', value: (letter) => safe(letter.error.message), shrinks: true },
  ];
}

async function printLetter(cli: Cli, letter: DeadLetterDetail): Promise<void> {
  const effect = `${letter.effect ?? NOTHING}, key ${letter.key ?? NOTHING}, ${letter.attempts ?? 0} runs`;
  await printFields(cli, [
    ['dead letter', String(letter.id)],
    ['actor', safe(letter.ref)],
    ['laid down', `${formatTime(letter.parkedAt)}, ${formatAge(letter.parkedAt, cli.now())} ago`],
    ['node', safe(letter.node)],
    ['journal', `sequence ${letter.seq}`],
    ['error', `${safe(letter.error.code)}: ${safe(letter.error.message)}`, 'alarm'],
    ['event', safe(letter.event)],
    ['command id', safe(letter.commandId ?? NOTHING)],
    ['effect', letter.effect === null ? NOTHING : safe(effect)],
    ['replayable', letter.replayable ? 'yes' : `no: ${whyNot(letter)}`],
  ]);
  await printJson(cli, 'event', letter.payload);
  if (letter.effect !== null) await printJson(cli, 'what the effect was to do', letter.params);
  else await printJson(cli, 'state of the actor', letter.state);
}

function whyNot({ commandId }: DeadLetterDetail): string {
  return commandId === null ? 'the actor had sent it to itself' : 'it was too big to be kept whole';
}

function printJson(cli: Cli, title: string, value: unknown): Promise<void> {
  return cli.line(`\n${title}\n${safeLines(JSON.stringify(value, null, 2) ?? NOTHING)}`);
}
