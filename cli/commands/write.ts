import { InvalidArgumentError, type Command } from 'commander';
import { formatAddress, isOfModel, writeAny, type AnyPoint } from '../../actors/client/addresses.js';
import type { WriteReply, WriteRequest } from '../../actors/client/schemas.js';
import type { Cli } from '../cli.js';
import { EXIT } from '../exit-codes.js';
import { parseAddress, parseModelValue, parseSeconds, parseWriteValue } from '../parse.js';
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
    .summary('write a control (C) or adjustment (A) point, of a channel or a model')
    .description(
      'Writes a control (C) or adjustment (A) point and prints what the device answered. A point of a model is written ' +
        'at the channel point that it stands for, or holds the value. ' +
        'Exit code 1 when the device refused it or the value read back is another.',
    )
    .argument('<address>', 'point, such as comsrv:1001:A:1 or model:battery:limit', parseAddress)
    .argument('<value>', 'C: 0, 1, off, on, false, true; A: a number; of a model either')
    .option('--text', 'take the value as text, for string points')
    .option('--deadline <seconds>', 'how long to wait for the answer, 0.001 … 60 (default: 5)', parseSeconds)
    .option('--command-id <id>', 'a repeated write with the same id answers the first result instead of writing again')
    .addHelpText(
      'after',
      examples(
        'statewatt write comsrv:1001:A:1 42.5',
        'statewatt write comsrv:1001:A:1 -10',
        'statewatt write comsrv:1001:C:1 on --deadline 2',
        'statewatt write model:battery:limit 5000',
      ),
    )
    .action((point: AnyPoint, text: string, options: WriteOptions, command: Command) => {
      const request = toRequest(point, text, options, command);
      return cli.withClient(async (client) => {
        const reply = await writeAny(client, point, formatAddress(point), request);
        if (!reply.confirmed) cli.exitCode = EXIT.bad;
        if (cli.json) await cli.document(reply);
        else await cli.line(describe(reply), reply.confirmed ? 'none' : 'alarm');
      });
    });
}

function toRequest(
  point: AnyPoint,
  text: string,
  options: WriteOptions,
  command: Command,
): Pick<WriteRequest, 'value' | 'deadlineMs' | 'commandId'> {
  return {
    value: valueOf(point, text, options.text === true, command),
    ...(options.deadline === undefined ? {} : { deadlineMs: options.deadline }),
    ...(options.commandId === undefined ? {} : { commandId: options.commandId }),
  };
}

function valueOf(point: AnyPoint, text: string, asText: boolean, command: Command): WriteRequest['value'] {
  if (isOfModel(point)) return parseModelValue(text, asText);
  const { kind } = point;
  if (kind === 'C' || kind === 'A') return readValue(kind, text, asText, command);
  return command.error(`error: ${formatAddress(point)} cannot be written. Allowed are C and A points.`);
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
