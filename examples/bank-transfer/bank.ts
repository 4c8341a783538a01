import { createSystem, ref, type ActorSystem, type Bus, type Ref } from 'statewatt';
import { account } from './account.js';
import { deskKind } from './desk.js';
import { transferKind, type Order } from './transfer.js';

/**
 * One node of a bank. Every transfer takes from one account what it gives to another (double entry), so the balances of
 * all accounts and the money under way are zero together, whatever crashes when.
 */
export class Bank {
  readonly system: ActorSystem;
  readonly #desk;
  readonly #transfer;

  constructor(bus: Bus, node: string) {
    this.#transfer = transferKind({
      book: (transfer, leg, { from, to, amount }) =>
        this.system.ask(ref(account, leg === 'credit' ? to : from), { type: 'book', transfer, leg, amount }),
      finished: (transfer) => this.system.tell(this.#deskRef, { type: 'finished', transfer }),
    });
    this.#desk = deskKind((transfer, order) =>
      this.system.tell(ref(this.#transfer, transfer), { type: 'begin', ...order }),
    );
    this.system = createSystem({
      bus,
      node,
      kinds: [account, this.#transfer, this.#desk],
      alwaysOn: () => this.#alwaysOn(),
    });
  }

  /** Opens an account that may go `overdraft` cents below zero. */
  async open(name: string, overdraft = 0): Promise<void> {
    await this.system.ask(ref(account, name), { type: 'open', overdraft });
  }

  /** From now on the account takes and gives nothing but refunds. */
  async close(name: string): Promise<void> {
    await this.system.ask(ref(account, name), { type: 'close' });
  }

  /** Cents. */
  async balance(name: string): Promise<number> {
    const { context } = await this.system.query(ref(account, name));
    return (context as { balance: number }).balance;
  }

  /** Accepts a transfer; accepted, it comes to its end, `done`, `refused` or `returned`, whatever crashes. */
  async transfer(id: string, order: Order): Promise<void> {
    // Asked again with the same command id, it is accepted once.
    await this.system.ask(this.#deskRef, { type: 'accept', transfer: id, ...order }, { commandId: `accept-${id}` });
  }

  /** The state of a transfer: `debiting`, `crediting`, `returning`, or one of the three ends. */
  async state(id: string): Promise<string> {
    return (await this.system.query(ref(this.#transfer, id))).state;
  }

  /** Ids of the transfers that have not come to their end. */
  async underWay(): Promise<string[]> {
    const { context } = await this.system.query(this.#deskRef);
    return Object.keys((context as { open: Record<string, Order> }).open);
  }

  get #deskRef() {
    return ref(this.#desk, 'main');
  }

  /** What has to live wherever its partition goes: the desk, and the transfers that it knows to be under way. */
  async #alwaysOn(): Promise<Ref[]> {
    const open = await this.underWay();
    return [this.#deskRef, ...open.map((id) => ref(this.#transfer, id))];
  }
}
