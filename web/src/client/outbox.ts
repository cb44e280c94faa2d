/**
 * The messages of one room that its log does not show yet, in the order they were written.
 * One is under way at a time, so that they arrive in that order; each keeps its `client_id` however often it is sent.
 */
import { Backoff } from "./backoff";
import { isMessage, type Ack, type RoomRecord } from "./protocol";
import { asRefusal, type Refusal } from "./refusal";

/**
 * `unsent`: waits for the connection or its turn; `sending`: no answer yet; `sent`: in the log, its record is on
 * the way; `failed`: refused, it needs somebody's decision.
 */
export type OutgoingState = "unsent" | "sending" | "sent" | "failed";

export interface Outgoing {
  readonly clientId: string;
  readonly room: string;
  readonly body: string;
  readonly state: OutgoingState;
  /** Why it failed. */
  readonly refusal?: Refusal | undefined;
  /** Known once it is in the log. */
  readonly seq?: number | undefined;
}

export interface OutboxOptions {
  room: string;
  /** Whether messages may go out now: the link is open, and what was sent before has been seen. */
  ready: () => boolean;
  /** Up to here the room's log has been seen; what was acknowledged below needs no waiting for its record. */
  seenSeq: () => number;
  /** Rejects with a `Refusal`, `unreachable` when the link ends before the answer. */
  send: (message: Outgoing) => Promise<Pick<Ack, "seq">>;
  changed: () => void;
}

/** So often a message is tried when the server says `later`; then a person decides. */
const ATTEMPTS = 6;

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #backoff = new Backoff({ capMs: 8_000 });
  #messages: Outgoing[] = [];
  #busy = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  get messages(): readonly Outgoing[] {
    return this.#messages;
  }

  add(clientId: string, body: string): Outgoing {
    const message: Outgoing = { clientId, room: this.#options.room, body, state: "unsent" };
    this.#replace([...this.#messages, message]);
    return message;
  }

  /** Lets a failed message try again, behind those that wait already. */
  retry(clientId: string): void {
    const message = this.#messages.find((one) => one.clientId === clientId && one.state === "failed");
    if (message === undefined) return;
    const others = this.#messages.filter((one) => one !== message);
    this.#replace([...others, { ...message, state: "unsent", refusal: undefined }]);
  }

  /** Gives a message up; one that is under way may still reach the log. */
  discard(clientId: string): void {
    this.#replace(this.#messages.filter((one) => one.clientId !== clientId));
  }

  /** Sends what waits, one after the other, while `ready`; to be called whenever that may have become true. */
  pump(): void {
    if (this.#busy || this.#timer !== undefined || !this.#options.ready()) return;
    const next = this.#messages.find((one) => one.state === "unsent");
    if (next === undefined) return;
    this.#busy = true;
    this.#update(next.clientId, { state: "sending" });
    void this.#deliver(next);
  }

  /** The link is gone: nothing is waited for any more. */
  interrupt(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#backoff.reset();
  }

  /** Removes what the log now shows: own records by `client_id`, acknowledged ones by position. */
  settle(records: readonly RoomRecord[], me: string): void {
    const shown = new Set<string>();
    for (const record of records) {
      if (isMessage(record) && record.sender.id === me && record.client_id !== undefined) shown.add(record.client_id);
    }
    const seenSeq = this.#options.seenSeq();
    const rest = this.#messages.filter((one) => !shown.has(one.clientId) && (one.seq ?? Infinity) > seenSeq);
    if (rest.length < this.#messages.length) this.#replace(rest);
  }

  async #deliver(message: Outgoing): Promise<void> {
    try {
      const ack = await this.#options.send(message);
      this.#backoff.reset();
      if (ack.seq <= this.#options.seenSeq()) this.discard(message.clientId);
      else this.#update(message.clientId, { state: "sent", seq: ack.seq });
    } catch (error) {
      this.#refused(message, asRefusal(error));
    } finally {
      this.#busy = false;
    }
    this.pump();
  }

  #refused(message: Outgoing, refusal: Refusal): void {
    // Without a link nothing is tried: the client calls `pump` when it has a new one.
    if (refusal.code === "unreachable") {
      this.#update(message.clientId, { state: "unsent" });
      return;
    }
    if (refusal.retry === "later" && this.#backoff.attempts < ATTEMPTS) {
      this.#update(message.clientId, { state: "unsent" });
      this.#pause(this.#backoff.next(refusal.retryAfterMs));
      return;
    }
    this.#backoff.reset();
    this.#update(message.clientId, { state: "failed", refusal });
  }

  #pause(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.pump();
    }, ms);
  }

  #update(clientId: string, changes: Partial<Outgoing>): void {
    if (!this.#messages.some((one) => one.clientId === clientId)) return;
    this.#replace(this.#messages.map((one) => (one.clientId === clientId ? { ...one, ...changes } : one)));
  }

  #replace(messages: Outgoing[]): void {
    this.#messages = messages;
    this.#options.changed();
  }
}
