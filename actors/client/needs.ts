import type { Need } from '../../site/access.js';
import type { Endpoint } from './endpoint.js';

/** Requests that act on the running plant; the others that change something configure. */
const OPERATES = new Set([
  'points.write',
  'channels.command',
  'alarms.raise',
  'alarms.command',
  'models.write',
  'rules.command',
  'rules.evaluate',
  'rules.execute',
  'meters.submit',
]);

/** What a request of the public interface needs of its caller, over NATS and over WebSocket. */
export function needsOf({ service, name, changes }: Pick<Endpoint, 'service' | 'name' | 'changes'>): Need {
  if (service === 'health') return 'public';
  if (service === 'access') return 'admin';
  if (service === 'ledger') return 'own';
  // Whole files tell more than the site shows; put back, they change all that there is.
  if (service === 'configuration') return changes ? 'admin' : 'configure';
  if (!changes) return 'read';
  return OPERATES.has(`${service}.${name}`) ? 'operate' : 'configure';
}
