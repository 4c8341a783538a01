import { ALARM_LEVELS } from '../alarms.js';
import { NOTIFICATION_DEFAULTS as D, type NotificationFile } from '../notifications/schema.js';
import type { NotificationTarget, QuietHours } from '../notifications/target.js';
import { show } from './problems.js';
import { resolveIn, type Block, type SiteSource } from './source.js';

/** Who is told of alarms, ascending by id. Secrets stay in their files; that the files are there is checked. */
export async function readNotifications(
  source: Pick<SiteSource, 'folder' | 'reader'>,
  files: readonly NotificationFile[],
  block: Block,
): Promise<NotificationTarget[]> {
  const first = new Map<string, number>();
  const targets: NotificationTarget[] = [];
  for (const [index, file] of files.entries()) {
    const at = block.at(index);
    const other = first.get(file.id);
    if (other !== undefined) at.report('id', `${show(file.id)}, which notifications[${other}] has too`, 'each id once');
    else first.set(file.id, index);
    targets.push(await readTarget(source, file, at));
  }
  return targets.sort((a, b) => (a.id < b.id ? -1 : 1));
}

async function readTarget(
  source: Pick<SiteSource, 'folder' | 'reader'>,
  file: NotificationFile,
  block: Block,
): Promise<NotificationTarget> {
  const base = {
    id: file.id,
    levels: file.levels ?? ALARM_LEVELS,
    sources: file.sources ?? ['*'],
    groups: file.groups ?? ['*'],
    changes: file.changes ?? D.changes,
    perMinute: file.per_minute ?? D.perMinute,
    quietHours: readQuietHours(file, block),
  };
  const secret = async (field: string, path: string | undefined): Promise<string | undefined> => {
    if (path === undefined) return undefined;
    const full = resolveIn(source.folder, path);
    if ((await source.reader.kind(full)) !== 'file') block.report(field, `${show(path)}, where no file is`, 'a file');
    return full;
  };
  switch (file.type) {
    case 'webhook':
      return { ...base, type: file.type, url: file.url, secretFile: await secret('secret_file', file.secret_file) };
    case 'nats':
      return { ...base, type: file.type, subject: file.subject, stream: file.stream ?? false };
    case 'mail': {
      const { server, user, from, to } = file;
      if (!URL.canParse(server)) block.report('server', show(server), 'a URL such as smtp://mail.example.com:587');
      if ((user === undefined) !== (file.password_file === undefined)) {
        const missing = user === undefined ? 'user' : 'password_file';
        block.report(missing, 'nothing', 'user and password_file, or none of them');
      }
      const passwordFile = await secret('password_file', file.password_file);
      return { ...base, type: file.type, server, user, passwordFile, from, to };
    }
  }
}

function readQuietHours({ quiet_hours: file }: NotificationFile, block: Block): QuietHours | undefined {
  if (file === undefined) return undefined;
  const { from, to, time_zone: timeZone, levels = D.quietLevels } = file;
  if (from === to) block.report('quiet_hours', `from ${from} to ${to}`, 'two different times');
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    block.at('quiet_hours').report('time_zone', show(timeZone), 'an IANA time zone such as Europe/Berlin');
  }
  return { from: minuteOf(from), to: minuteOf(to), timeZone, levels };
}

function minuteOf(time: string): number {
  const [hour, minute] = time.split(':').map(Number);
  return (hour as number) * 60 + (minute as number);
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
