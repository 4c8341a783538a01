import type { Cli } from '../cli.js';
import { displayWidth } from './text.js';
import { paint, type Tone } from './tone.js';

/** A name, its value, and how urgently the value needs a person. */
export type Field = readonly [name: string, value: string, tone?: Tone];

/** Prints one line per field, the values below each other. */
export async function printFields(cli: Cli, fields: readonly Field[]): Promise<void> {
  const width = Math.max(...fields.map(([name]) => displayWidth(name)));
  const lines = fields.map(([name, value, tone = 'none']) => {
    const shown = cli.colour ? paint(value, tone) : value;
    return `${name}${' '.repeat(width - displayWidth(name))}  ${shown}\n`;
  });
  await cli.out.write(lines.join(''));
}
