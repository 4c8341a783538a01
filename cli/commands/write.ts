import { InvalidArgumentError, type Command } from 'commander';
import type { WriteReply, WriteRequest } from '../../actors/client/schemas.js';
import { formatPointAddress, type PointAddress } from '../../site/points.js';
import type { Cli } from '../cli.js';
import { EXIT } from '../exit-codes.js';
import { parseAddress, parseSeconds, parseWriteValue } from '../parse.js';
import { NOTHING, formatValue, safe } from '../render/text.js';
import { GROUPS, examples } from './help.js';

interface WriteOptions {
  text?: boolean;
  deadline?: number;
  commandId?: string;
}

export function addWrite(program: Command, cli: Cli): void {
  program
    .command('write')
    .helpGroup(GROUPS.act)
    .summary('write a control (C) or adjustment (A) point')
    .description(
      'Writes a control (C) or adjustment (A) point and prints what the device answered. ' +
        'Exit code 1 when the device refused it or the value read back is another.',
    )
    .argument('<address>', 'point, such as comsrv:1001:A:1', parseAddress)
    .argument('<value>', 'C: 0, 1, off, on, false, true; A: a number')
    .option('--text', 'take the value as text, for string points')
    .option('--deadline <seconds>', 'how long to wait for the answer, 0.001 … 60 (default: 5)', parseSeconds)
    .option('--command-id <id>', 'a repeated write with the same id answers the first result instead of writing again')
    .addHelpText(
      'after',
      examples(
        'statewatt write comsrv:1001:A:1 42.5',
        'statewatt write comsrv:1001:A:1 -10',
        'statewatt write comsrv:1001:C:1 on --deadline 2',
      ),
    )
    .action((address: PointAddress, text: string, options: WriteOptions, command: Command) => {
      const request = toRequest(address, text, options, command);
      return cli.withClient(async (client) => {
        const reply = await client.write(request);
        if (!reply.confirmed) cli.exitCode = EXIT.bad;
        if (cli.json) await cli.document(reply);
        else await cli.line(describe(reply), reply.confirmed ? 'none' : 'alarm');
      });
    });
}

function toRequest(address: PointAddress, text: string, options: WriteOptions, command: Command): WriteRequest {
  const { channel, kind, id } = address;
  if (kind !== 'C' && kind !== 'A') {
    return command.error(`error: ${formatPointAddress(address)} cannot be written. Allowed are C and A points.`);
  }
  return {
    channel,
    kind,
    id,
    value: readValue(kind, text, options.text === true, command),
    ...(options.deadline === undefined ? {} : { deadlineMs: options.deadline }),
    ...(options.commandId === undefined ? {} : { commandId: options.commandId }),
  };
}

/** The kind of the point decides what is allowed, so commander cannot read it by itself. */
function readValue(kind: WriteRequest['kind'], text: string, asText: boolean, command: Command): WriteRequest['value'] {
  try {
    return parseWriteValue(kind, text, asText);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    return command.error(`error: command-argument value '${text}' is invalid for argument 'value'. ${error.message}`);
  }
}

function describe(reply: WriteReply): string {
  const trip = `${Number(reply.roundTripMs.toFixed(1))} ms`;
  const readBack = reply.readBack === null ? NOTHING : formatValue(reply.readBack);
  return (
    `${reply.address}: written ${formatValue(reply.written)}, read back ${readBack}, ` +
    `${reply.confirmed ? 'confirmed' : 'NOT confirmed'}; the device answered ${safe(reply.answer)} in ${trip}`
  );
}
