const PREFIX = 'replay:';

/** The id of a command that is sent again from the dead letters: always the same, so that replaying twice does it once. */
export function replayIdOf(commandId: string): string {
  return commandId.startsWith(PREFIX) ? commandId : PREFIX + commandId;
}

/** Whether a command comes from the dead letters; its letter lies there until it is accepted. */
export function isReplay(commandId: string): boolean {
  return commandId.startsWith(PREFIX);
}
