/**
 * What one client knows of one room: a window of its log without a gap and without a duplicate.
 * It holds and orders records; asking the server for them is the subscription's work.
 */
import { Emitter } from "./emitter";
import type { Position, Room, RoomRecord } from "./protocol";
import type { Refusal } from "./refusal";

/**
 * `waiting`: not subscribed now (connecting, or the connection is lost); `live`: records arrive as they happen;
 * `parted`: membership or subscription ended; `refused`: the server will not have it.
 */
export type FeedState = "waiting" | "live" | "parted" | "refused";

export interface FeedEvents {
  /** New records stand at the end of the window, in order. */
  appended: readonly RoomRecord[];
  /** Older records stand at its beginning. */
  prepended: readonly RoomRecord[];
  /** The window was thrown away: it could not be continued without a gap too large to fill. */
  reset: undefined;
  /** `state`, `room` or `refusal` changed. */
  changed: undefined;
}

/** What a reader of a room sees and may do. */
export type RoomFeed = Pick<
  Feed,
  "id" | "room" | "state" | "refusal" | "partedCode" | "records" | "position" | "firstSeq" | "hasOlder" | "on" | "forgetOlder"
>;

export class Feed extends Emitter<FeedEvents> {
  readonly id: string;
  room: Room | undefined;
  state: FeedState = "waiting";
  /** Why the state is `refused`. */
  refusal: Refusal | undefined;
  /** Why the state is `parted`, where the server said so. */
  partedCode: string | undefined;

  #records: RoomRecord[] = [];
  /** The position of the newest record of the window, or the place where it begins. */
  #last: Position | undefined;
  /** Records that arrived before those they follow. */
  readonly #ahead = new Map<number, RoomRecord>();
  #held = false;

  constructor(id: string) {
    super();
    this.id = id;
  }

  /** The window, ascending, each `seq` one above the one before. Not to be changed by the reader. */
  get records(): readonly RoomRecord[] {
    return this.#records;
  }

  /** The last position of the window; undefined until its beginning is known. */
  get position(): Position | undefined {
    return this.#last;
  }

  /** The lowest `seq` held; one above `position.seq` while the window is empty. */
  get firstSeq(): number {
    return this.#records[0]?.seq ?? (this.#last?.seq ?? 0) + 1;
  }

  /** Whether there may be records before the window. */
  get hasOlder(): boolean {
    return this.#last !== undefined && this.firstSeq > 1;
  }

  /** Whether records wait for others that are missing. */
  get hasGap(): boolean {
    return !this.#held && this.#ahead.size > 0;
  }

  /** Puts the first page into an empty window. */
  begin(records: readonly RoomRecord[], position: Position): void {
    this.#records = [];
    this.#last = { epoch: position.epoch, seq: records.length > 0 ? seqBefore(records) : position.seq };
    this.accept(records);
  }

  /** Throws the window away; records that came ahead of it stay. */
  reset(): void {
    this.#records = [];
    this.#last = undefined;
    this.emit("reset", undefined);
  }

  /** Holds records back while it is unknown what they follow: a subscription is being made, which brings them all. */
  hold(): void {
    this.#ahead.clear();
    this.#held = true;
  }

  /** Ends `hold`, and takes what can be taken. */
  release(): void {
    this.#held = false;
    this.accept([]);
  }

  /** Takes what the link or a page brought, in any order and any number of times. */
  accept(records: readonly RoomRecord[]): void {
    for (const record of records) this.#ahead.set(record.seq, record);
    if (this.#held || this.#last === undefined) return;
    this.#continue(this.#last);
  }

  /** Takes a page that ends just before the window. */
  prepend(records: readonly RoomRecord[]): void {
    const older = records.filter((record) => record.seq < this.firstSeq);
    if (older.length === 0 || older.at(-1)?.seq !== this.firstSeq - 1) return;
    this.#records = [...older, ...this.#records];
    this.emit("prepended", older);
  }

  /** Lets go of the oldest records above `keep`; they can be loaded again. */
  forgetOlder(keep: number): void {
    if (this.#records.length > keep) this.#records = this.#records.slice(-keep);
  }

  change(changes: Partial<Pick<Feed, "room" | "state" | "refusal" | "partedCode">>): void {
    Object.assign(this, changes);
    this.emit("changed", undefined);
  }

  /** Moves everything that follows `last` without a gap into the window. */
  #continue(last: Position): void {
    for (const seq of this.#ahead.keys()) {
      if (seq <= last.seq) this.#ahead.delete(seq);
    }
    const appended: RoomRecord[] = [];
    for (;;) {
      const next = this.#ahead.get(last.seq + appended.length + 1);
      if (next === undefined) break;
      this.#ahead.delete(next.seq);
      appended.push(next);
    }
    if (appended.length === 0) return;
    this.#records.push(...appended);
    this.#last = { epoch: last.epoch, seq: last.seq + appended.length };
    this.emit("appended", appended);
  }
}

function seqBefore(records: readonly RoomRecord[]): number {
  return (records[0]?.seq ?? 1) - 1;
}
