/** A point of a model, by names. */
export interface ModelAddress {
  readonly model: string;
  readonly point: string;
}

/**
 * Channels from here on are no channels: each stands for a model, so that what models hold and compute travels, and is
 * stored, as what channels read. Configured channels have lower numbers.
 */
export const FIRST_MODEL_CHANNEL = 4_000_000_000;

const ADDRESS = /^model:([A-Za-z0-9_-]{1,64}):([A-Za-z][A-Za-z0-9_]{0,63})$/;

/** Parses `model:<id>:<point>`; undefined when it is none. */
export function parseModelAddress(text: string): ModelAddress | undefined {
  const match = ADDRESS.exec(text);
  return match === null ? undefined : { model: match[1] as string, point: match[2] as string };
}

export function formatModelAddress({ model, point }: ModelAddress): string {
  return `model:${model}:${point}`;
}

/** Whether a channel's number stands for a model. */
export function isModelChannel(channel: number): boolean {
  return channel >= FIRST_MODEL_CHANNEL;
}
