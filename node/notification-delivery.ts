import { readFile } from 'node:fs/promises';
import type { Deliver } from '../actors/notifier.js';
import { EffectRefused, type DurableEffect } from '../actors/runtime/outbox/effect.js';
import { httpSink } from '../actors/sinks/http.js';
import { mailSink } from '../actors/sinks/mail.js';
import { natsSink } from '../actors/sinks/nats.js';
import type { Bus } from '../bus/connection.js';
import { errorMessage, StatewattError } from '../errors/error.js';
import { messageText, type NotificationMessage } from '../site/notifications/message.js';
import type { NotificationTarget } from '../site/notifications/target.js';
import type { SiteHolder } from './site-holder.js';

/** A message that is older gets one try, so that what piled up while a target was away is soon done with. */
const LATE_MS = 15 * 60_000;
/** For the steps of SMTP, each. */
const SMTP_TIMEOUT_MS = 10_000;

export interface DeliveryParts {
  readonly bus: Bus;
  readonly holder: SiteHolder;
  readonly now?: () => number;
}

/** Sends the messages of notifiers by the sink of their target. */
export function deliverTo({ bus, holder, now = Date.now }: DeliveryParts): Deliver {
  return async (run) => {
    const { site } = holder;
    const target = site.notifications.find(({ id }) => id === run.ref.id);
    if (target === undefined) throw new EffectRefused(`there is no target ${run.ref.id} in this site any more`);
    const sink = await sinkOf(target, bus, site.name);
    try {
      await sink.run(run);
    } catch (error) {
      if (error instanceof EffectRefused || now() - run.params.at < LATE_MS) throw error;
      throw new EffectRefused(`not delivered within ${LATE_MS / 60_000} minutes: ${errorMessage(error)}`);
    }
  };
}

async function sinkOf(target: NotificationTarget, bus: Bus, site: string): Promise<DurableEffect<NotificationMessage>> {
  switch (target.type) {
    case 'webhook': {
      const secret = await readSecret(target.secretFile);
      const body = (message: NotificationMessage): unknown => ({ site, ...message });
      return httpSink({ url: target.url, body, ...(secret === undefined ? {} : { secret }) });
    }
    case 'nats': {
      const body = (message: NotificationMessage): unknown => ({ site, ...message });
      return natsSink({ bus, subject: target.subject, core: !target.stream, body });
    }
    case 'mail': {
      const { server, user, from, to } = target;
      const pass = await readSecret(target.passwordFile);
      const { protocol, hostname, port } = new URL(server);
      const secure = protocol === 'smtps:';
      const { createTransport } = await import('nodemailer');
      const transport = createTransport({
        host: hostname.replace(/^\[|\]$/g, ''),
        port: Number(port) || (secure ? 465 : 587),
        secure,
        ...(user === undefined ? {} : { auth: { user, pass: pass ?? '' } }),
        connectionTimeout: SMTP_TIMEOUT_MS,
        greetingTimeout: SMTP_TIMEOUT_MS,
        socketTimeout: SMTP_TIMEOUT_MS,
        disableFileAccess: true,
        disableUrlAccess: true,
      });
      return mailSink({ transport, mail: (message) => ({ from, to, ...messageText(message, site) }) });
    }
  }
}

/** Read each time, so that a new one needs no restart. */
async function readSecret(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw new StatewattError('notifications.secret', 'unavailable', `${file} cannot be read: ${errorMessage(cause)}`, {
      cause,
    });
  }
}
