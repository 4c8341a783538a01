import { ALARM_LEVELS } from '../../site/alarms.js';
import type { NotificationTarget } from '../../site/notifications/target.js';

/** A web hook that is told of all that is raised, escalated and resolved, unless told otherwise. */
export function webhookTarget(id: string, rest: Partial<NotificationTarget> = {}): NotificationTarget {
  return {
    id,
    levels: ALARM_LEVELS,
    sources: ['*'],
    groups: ['*'],
    changes: ['raised', 'escalated', 'resolved'],
    perMinute: 10,
    quietHours: undefined,
    ...{ type: 'webhook', url: 'http://127.0.0.1:1/', secretFile: undefined },
    ...rest,
  } as NotificationTarget;
}
