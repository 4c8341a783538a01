import { formatAddress, isOfModel } from '../actors/client/addresses.js';
import type { ImportReply, ImportRow, SeriesPoint } from '../actors/client/archive-schemas.js';
import { StatewattError } from '../errors/error.js';
import type { ImportedRow } from '../protocols/clickhouse/types.js';
import type { ModelAddress } from '../site/models/address.js';
import { toChannel, type Route } from '../site/models/model.js';
import type { PointDefinition } from '../site/points.js';
import type { StoredModelPoint } from './archive-points.js';

const DAY = 86_400_000;
/** How far a caller's clock may be ahead of ours. */
const AHEAD_MS = 300_000;

/** Where values that are brought for a point are stored. */
interface Target {
  readonly stored: SeriesPoint;
  readonly text: boolean;
  /** How the point of a model stands for one of a channel. */
  readonly route?: Route;
}

/** By address: the target, or why there is none. */
export type ImportTargets = ReadonlyMap<string, Target | string>;

/**
 * The points that rows name, each looked up once.
 *
 * @param find a point of a channel; undefined: there is none
 * @param ofModel a point of a model; it throws when there is none
 * @throws what `ofModel` throws that may pass
 */
export async function importTargets(
  rows: readonly ImportRow[],
  find: (point: SeriesPoint) => PointDefinition | undefined,
  ofModel: (address: ModelAddress) => Promise<StoredModelPoint>,
): Promise<ImportTargets> {
  const targets = new Map<string, Target | string>();
  for (const row of rows) {
    const address = formatAddress(row);
    if (targets.has(address)) continue;
    if (isOfModel(row)) {
      targets.set(address, await modelTarget(row, ofModel));
      continue;
    }
    const { channel, kind, id } = row;
    const point = find(row);
    const text = point?.dataType === 'string';
    targets.set(
      address,
      point === undefined ? `there is no point ${address}` : { stored: { channel, kind, id }, text },
    );
  }
  return targets;
}

async function modelTarget(
  { model, point: name }: ModelAddress,
  ofModel: (address: ModelAddress) => Promise<StoredModelPoint>,
): Promise<Target | string> {
  try {
    const { point, stored } = await ofModel({ model, point: name });
    return { stored, text: point.text, ...(point.route === undefined ? {} : { route: point.route }) };
  } catch (error) {
    if (!(error instanceof StatewattError) || error.retryable) throw error;
    return error.message;
  }
}

/** The rows as they are stored, and what is wrong with the others. `days`: so long history is kept at most. */
export function readRows(
  rows: readonly ImportRow[],
  targets: ImportTargets,
  days: number,
): { sound: ImportedRow[]; refused: ImportReply['refused'] } {
  const now = Date.now();
  const sound: ImportedRow[] = [];
  const refused: ImportReply['refused'] = [];
  for (const [index, row] of rows.entries()) {
    const read = readRow(row, targets, now, days);
    if (typeof read === 'string') refused.push({ row: index, problem: read });
    else sound.push(read);
  }
  return { sound, refused };
}

/** The row as it is stored, or what is wrong with it. */
function readRow(row: ImportRow, targets: ImportTargets, now: number, days: number): ImportedRow | string {
  const { time, value } = row;
  const address = formatAddress(row);
  const target = targets.get(address) as Target | string;
  if (typeof target === 'string') return target;
  const { stored, text, route } = target;
  if (time > now + AHEAD_MS) return `its time, ${showTime(time)}, lies in the future`;
  if (time < now - days * DAY) return `its time, ${showTime(time)}, is past the ${days} days that history is kept`;
  const quality = row.quality ?? (value === null ? 'bad' : 'good');
  if (value === null) {
    if (quality === 'good') return 'it has no value, and yet is called good';
    return { ...stored, time, value, quality };
  }
  if (text) return { ...stored, time, value: String(value), quality };
  if (typeof value === 'string')
    return `${JSON.stringify(value.slice(0, 40))} is no number, as those of ${address} are`;
  return { ...stored, time, value: route === undefined ? value : toChannel(route, value) + 0, quality }; // No −0.
}

function showTime(time: number): string {
  return time <= 8.64e15 ? new Date(time).toISOString() : String(time);
}
