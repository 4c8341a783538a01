import { randomBytes } from 'node:crypto';
import { InvalidArgumentError, type Command } from 'commander';
import type { UserChanges, UserView } from '../../actors/client/access.js';
import { ROLES, type Role } from '../../site/access.js';
import type { Cli } from '../cli.js';
import type { Column } from '../render/table.js';
import { formatAge, safe } from '../render/text.js';
import { GROUPS, examples } from './help.js';

interface PasswordOptions {
  password?: string;
  newPassword?: boolean;
}

export function addUsers(program: Command, cli: Cli): void {
  const users = program
    .command('users')
    .helpGroup(GROUPS.access)
    .summary('list, add, set, remove')
    .description('Who may sign in. Lists them when no command is given.')
    .addHelpText(
      'after',
      examples(
        'statewatt users add admin --role admin',
        'statewatt users add olga --role operator',
        'statewatt users set olga --disable',
      ),
    );

  users
    .command('list', { isDefault: true })
    .description('list every user')
    .action(() =>
      cli.withClient(async (client) => {
        const list = await client.access.users();
        if (cli.json) await cli.document(list);
        else await cli.table(columns(cli.now()), list);
      }),
    );

  users
    .command('add')
    .description('let somebody sign in; the first one has to be an administrator')
    .argument('<name>')
    .requiredOption('--role <role>', `one of ${ROLES.join(', ')}; each may all that those before it may`, parseRole)
    .option('--password <password>', 'default: one is made and shown (environment: STATEWATT_PASSWORD)')
    .action((name: string, { role, ...options }: { role: Role } & PasswordOptions) =>
      cli.withClient(async (client) => {
        const { password, isMade } = passwordOf(cli, options);
        const user = await client.access.createUser({ name, role, password });
        await tell(cli, user, isMade ? password : undefined);
      }),
    );

  users
    .command('set')
    .description('give a user another role or password, or disable it')
    .argument('<name>')
    .option('--role <role>', `one of ${ROLES.join(', ')}`, parseRole)
    .option('--password <password>', 'a new password, which ends the user’s sign-ins')
    .option('--new-password', 'make a new password and show it')
    .option('--disable', 'the user may not sign in any more')
    .option('--enable', 'the user may sign in again')
    .action((name: string, options: { role?: Role; disable?: boolean; enable?: boolean } & PasswordOptions) =>
      cli.withClient(async (client) => {
        const changes: UserChanges = {};
        if (options.role !== undefined) changes.role = options.role;
        if (options.disable === true || options.enable === true) changes.disabled = options.disable === true;
        let made: string | undefined;
        if (options.newPassword === true) made = changes.password = makePassword();
        else if (options.password !== undefined) changes.password = options.password;
        await tell(cli, await client.access.updateUser(name, changes), made);
      }),
    );

  users
    .command('remove')
    .description('remove a user')
    .argument('<name>')
    .action((name: string) =>
      cli.withClient(async (client) => {
        await client.access.removeUser(name);
        if (!cli.json) await cli.line(`${safe(name)} is no user any more`);
      }),
    );
}

/** For commands that give a role. */
export function parseRole(text: string): Role {
  const role = ROLES.find((known) => known === text);
  if (role === undefined) throw new InvalidArgumentError(`Allowed are ${ROLES.join(', ')}.`);
  return role;
}

function passwordOf(cli: Cli, { password }: PasswordOptions): { password: string; isMade: boolean } {
  const given = password ?? cli.dependencies.env.STATEWATT_PASSWORD;
  return given ? { password: given, isMade: false } : { password: makePassword(), isMade: true };
}

/** 120 bits. */
function makePassword(): string {
  return randomBytes(15).toString('base64url');
}

async function tell(cli: Cli, user: UserView, made: string | undefined): Promise<void> {
  if (cli.json) return cli.document(made === undefined ? user : { ...user, password: made });
  await cli.line(`${safe(user.name)} is ${user.role}${user.disabled ? ', disabled' : ''}`);
  if (made !== undefined) await cli.line(`password, shown this once: ${made}`);
}

function columns(now: number): readonly Column<UserView>[] {
  return [
    { title: 'NAME', value: (user) => safe(user.name) },
    { title: 'ROLE', value: (user) => user.role },
    { title: 'STATE', value: (user) => (user.disabled ? 'disabled' : 'enabled') },
    { title: 'SIGN-INS', value: (user) => String(user.sessions), align: 'right' },
    { title: 'CHANGED', value: (user) => formatAge(user.changedAt, now), align: 'right' },
  ];
}
