import type { ActorHost } from '../../../actors/runtime/host.js';
import type { Delivery } from '../../../actors/runtime/activation.js';
import type { AnswerBody, EventBody } from '../../../bus/messages.js';
import { formatRef, type Ref } from '../../../bus/subjects.js';
import type { Network, Process } from './network.js';

/** A command as it lies in the queue. */
export interface QueuedCommand {
  readonly ref: Ref;
  readonly event: EventBody;
  readonly commandId: string;
  /** Somebody waits for its answer. */
  readonly awaited: boolean;
  /** Length of the actor's history that some caller had been told of when this was sent. */
  readonly floor: number;
  settled: boolean;
  /** Key of the timer whose firing it is. */
  readonly timer?: string;
}

/** A process that hosts actors. */
export interface Node extends Process {
  readonly host: ActorHost;
  /** The ownership whose consumer it reads; 0: none. */
  epoch: number;
  /** What it makes of changes of ownership, one at a time. */
  changes: Promise<void>;
  /** What it still does to the outside before it dies; Infinity: it lives on. */
  acts: number;
  /** Lets one act out, unless it dies of it. */
  act(what: () => void): void;
}

export interface QueueOptions {
  readonly network: Network;
  /** A process says an answer, whether it reaches the caller or not. */
  readonly onSaid: (command: QueuedCommand, body: AnswerBody, node: Node) => void;
  /** It reached the caller. */
  readonly onHeard: (command: QueuedCommand, body: AnswerBody) => void;
  readonly onSettled: (command: QueuedCommand) => void;
}

/**
 * The commands of one partition with the rules of a work queue whose every ownership has a consumer of its own: in
 * order, again when it was not acknowledged, acknowledgements of an earlier ownership count for nothing.
 */
export class Queue {
  readonly commands: QueuedCommand[] = [];
  readonly #options: QueueOptions;
  #owner: Node | undefined;
  #epoch = 0;
  #out = new Set<QueuedCommand>();

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  put(command: QueuedCommand): void {
    this.commands.push(command);
    this.#feed();
  }

  /** False when a later ownership has it already. */
  open(node: Node, epoch: number): boolean {
    if (epoch <= this.#epoch) return false;
    this.#epoch = epoch;
    this.#owner = node;
    this.#out = new Set();
    this.#feed();
    return true;
  }

  /** The wait for acknowledgements is over: what has none is delivered again, though it may be at work. */
  expire(): void {
    this.#out.clear();
    this.#feed();
  }

  /** Delivers a command to a process that takes itself for the owner, rightly or not. */
  stray(command: QueuedCommand, node: Node): void {
    this.#deliver(command, node, 0);
  }

  #feed(): void {
    const node = this.#owner;
    if (node === undefined || node.dead) return;
    for (const command of this.commands) {
      if (command.settled || this.#out.has(command)) continue;
      this.#out.add(command);
      this.#deliver(command, node, this.#epoch);
    }
  }

  #deliver(command: QueuedCommand, node: Node, epoch: number): void {
    const { network } = this.#options;
    network.send({
      what: `${command.commandId} (${command.event.type} ${formatRef(command.ref)}) to ${node.name}`,
      to: node,
      arrive: () => {
        if (epoch === 0 ? node.epoch > 0 : node.epoch === epoch)
          node.host.deliver(command.ref, this.#delivery(command, node, epoch));
      },
      lose: () => undefined,
    });
  }

  #delivery(command: QueuedCommand, node: Node, epoch: number): Delivery {
    const { network, onSaid, onHeard, onSettled } = this.#options;
    const send = (what: string, arrive: () => void): void =>
      network.send({ what: `${node.name} ${what} ${command.commandId}`, from: node, arrive, lose: () => undefined });
    return {
      event: command.event,
      commandId: command.commandId,
      traceparent: undefined,
      correlationId: undefined,
      deadline: undefined,
      awaited: command.awaited,
      ...(command.timer === undefined ? {} : { timer: command.timer }),
      answer: (body) =>
        node.act(() => {
          if (!command.awaited) return;
          onSaid(command, body, node);
          send('answers', () => onHeard(command, body));
        }),
      settle: () =>
        node.act(() => {
          onSettled(command);
          send('acknowledges', () => {
            if (epoch === this.#epoch) command.settled = true;
          });
        }),
      release: (delayMs = 0) =>
        node.act(() =>
          send('gives back', () => {
            const again = (): void => {
              if (epoch !== this.#epoch) return;
              this.#out.delete(command);
              this.#feed();
            };
            if (delayMs > 0) setTimeout(again, delayMs);
            else again();
          }),
        ),
    };
  }
}
