import { createHash } from 'node:crypto';

/**
 * The id of the alarm that a rule raises for a source: the same each time, so that an episode is raised once however
 * often it is told. An id of an actor, and opaque.
 */
export function alarmId(source: string, ruleId: string): string {
  return createHash('sha256')
    .update(JSON.stringify([source, ruleId]))
    .digest('base64url')
    .slice(0, 22);
}
