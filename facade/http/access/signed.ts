import type { FastifyReply, FastifyRequest } from 'fastify';
import { nameOf, signerOf } from '../../../actors/client/acting.js';

/**
 * For the `preValidation` of a route whose body says who acts: of somebody who has signed in it is that name, whatever the
 * body says. While nobody has to sign in, the body has the word.
 *
 * @param field of the body that names who acts
 */
export function signs(field: string) {
  return (request: FastifyRequest, _reply: FastifyReply, done: () => void): void => {
    const { identity, body } = request;
    const who = signerOf(identity);
    // Anything else is for the schema to refuse.
    if (who !== null && typeof body === 'object' && !Array.isArray(body)) {
      request.body = { ...body, [field]: nameOf(who) };
    }
    done();
  };
}
