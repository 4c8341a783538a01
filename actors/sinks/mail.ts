import { createHash } from 'node:crypto';
import { StatewattError, errorMessage } from '../../errors/error.js';
import {
  durable,
  EffectRefused,
  type DurableEffect,
  type DurableRun,
  type EffectPolicy,
} from '../runtime/outbox/effect.js';

/** One mail. Addresses as RFC 5322 has them: `duty@example.com` or `Duty <duty@example.com>`. */
export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
}

/** What is needed of a mail client; a transport of nodemailer has it. */
export interface MailTransport {
  /** Sends one mail; rejects when nobody took it. */
  sendMail(mail: {
    from: string;
    to: string[];
    subject: string;
    text: string;
    messageId: string;
    headers: Record<string, string>;
  }): Promise<{ rejected?: unknown[] }>;
}

/** Of `mailSink`. */
export interface MailSinkOptions<Params> {
  readonly transport: MailTransport;
  /** The mail for an effect. */
  readonly mail: (params: Params, run: DurableRun<Params>) => Mail;
  readonly policy?: Partial<EffectPolicy>;
}

/**
 * A durable effect that sends a mail. SMTP knows no repetition: when the answer to a mail is lost it is sent again, with
 * the same `Message-ID` (made from the effect's key, which is the header `Idempotency-Key` too), and mail programs show it
 * once. A lasting refusal (5yz, RFC 5321, 4.2.1), also of one of several receivers, parks it at once.
 *
 *     effects: { tell: mailSink({ transport, mail: ({ to, text }: News) => ({ from, to: [to], subject: 'News', text }) }) }
 */
export function mailSink<Params>({ transport, mail, policy }: MailSinkOptions<Params>): DurableEffect<Params> {
  return durable<Params>(async (run) => {
    const { to, ...rest } = mail(run.params, run);
    let rejected: unknown[] | undefined;
    try {
      ({ rejected } = await transport.sendMail({
        ...rest,
        to: [...to],
        messageId: messageId(run.key, rest.from),
        headers: { 'Idempotency-Key': run.key },
      }));
    } catch (cause) {
      const text = `the mail was not taken: ${errorMessage(cause)}`;
      const status = (cause as { responseCode?: number }).responseCode ?? 0;
      if (status >= 500) throw new EffectRefused(text, { status });
      throw new StatewattError('effects.mail', 'unavailable', text, { cause });
    }
    if (rejected !== undefined && rejected.length > 0) {
      throw new EffectRefused(`the mail server took it, but not for ${rejected.map(String).join(', ')}`);
    }
  }, policy);
}

function messageId(key: string, from: string): string {
  const [, domain = 'localhost'] = /@([A-Za-z0-9.-]+)/.exec(from) ?? [];
  return `<${createHash('sha256').update(key).digest('hex').slice(0, 32)}@${domain}>`;
}
