/**
 * One room as the page shows it: its feed, what has been read of it, and when to draw again.
 * Drawing is asked for at most once per frame, however fast records come.
 */
import { signal } from "@preact/signals";
import type { KlatschClient, Outgoing, Position, RoomFeed, RoomRecord, Standing, User } from "../../client";
import { readMark, setReadMark } from "./read-marks";
import type { Session } from "./session";
import { followStanding } from "./standing";
import { isUnread } from "./timeline";

/** Older records are let go above this while the reader is at the newest end. */
const KEEP = 1500;
/** How many records one scroll upwards loads. */
export const OLDER_PAGE = 60;

export class Conversation {
  readonly id: string;
  readonly feed: RoomFeed;
  /** Grows whenever there is something new to draw. */
  readonly version = signal(0);
  readonly older = signal<"idle" | "loading" | "failed">("idle");
  readonly unread = signal(0);
  /** Unread messages begin above this `seq`; undefined where no line is to be shown. */
  readonly unreadAfter = signal<number | undefined>(undefined);
  /** What one is and may not do here; undefined until it is learnt, or where the server does not tell. */
  readonly standing = signal<Standing | undefined>(undefined);
  /** Called with new messages of others while the room is on screen. */
  onMessages: ((records: readonly RoomRecord[]) => void) | undefined;
  /** What stands in the composer. */
  draft = "";

  readonly #client: KlatschClient;
  readonly #user: User;
  #read: Position | undefined;
  /** Whether the reader sees the newest message right now. */
  #attentive = false;
  #drawAsked = false;
  readonly #stops: (() => void)[];

  constructor({ client, user }: Session, id: string) {
    this.id = id;
    this.#client = client;
    this.#user = user;
    this.#read = readMark(id);
    this.feed = client.open(id, { firstPage: 80 });
    this.#stops = [
      this.feed.on("appended", (records) => this.#appended(records)),
      this.feed.on("prepended", () => this.#changed()),
      this.feed.on("reset", () => this.#changed()),
      this.feed.on("changed", () => this.#changed()),
      client.on("outgoing", (room) => {
        if (room === id) this.#draw();
      }),
    ];
  }

  get me(): User {
    return this.#client.user ?? this.#user;
  }

  get outgoing(): readonly Outgoing[] {
    return this.#client.outgoing(this.id);
  }

  /** Whether more is unread than is loaded, so that the count is only a lower bound. */
  get unreadIsPartial(): boolean {
    return this.#read !== undefined && this.feed.hasOlder && this.#read.seq < this.feed.firstSeq - 1;
  }

  /** The room comes on screen: draw the line where reading ended last time. */
  enter(): void {
    this.unreadAfter.value = this.unread.value > 0 ? this.#readSeq() : undefined;
  }

  /** The room leaves the screen. */
  exit(): void {
    this.#attentive = false;
    this.unreadAfter.value = undefined;
  }

  /** Says whether the reader sees the newest message; what they see counts as read. */
  attend(attentive: boolean): void {
    this.#attentive = attentive;
    if (attentive) this.#markRead();
  }

  /** Asks what one may do here; the room's records keep it up to date from then on. */
  async learnStanding(): Promise<void> {
    // What happens while the answer is on its way must not be overwritten by it.
    const meanwhile: RoomRecord[] = [];
    const stop = this.feed.on("appended", (records) => meanwhile.push(...records));
    const standing = await this.#client.api.standing(this.id).catch(() => undefined);
    stop();
    if (standing !== undefined) this.standing.value = followStanding(standing, meanwhile);
  }

  send(body: string): void {
    this.unreadAfter.value = undefined;
    this.#client.send(this.id, body);
  }

  async loadOlder(): Promise<void> {
    if (this.older.value === "loading" || !this.feed.hasOlder) return;
    this.older.value = "loading";
    try {
      await this.#client.loadOlder(this.id, OLDER_PAGE);
      this.older.value = "idle";
    } catch {
      this.older.value = "failed";
    }
  }

  dispose(): void {
    for (const stop of this.#stops) stop();
  }

  #appended(records: readonly RoomRecord[]): void {
    const seqBefore = (records[0]?.seq ?? 1) - 1;
    const unread = records.filter((record) => isUnread(record, this.me.id, this.#readSeq()));
    if (this.standing.value !== undefined) this.standing.value = followStanding(this.standing.value, records);
    if (this.#attentive) {
      this.#markRead();
      this.feed.forgetOlder(KEEP);
    } else if (unread.length > 0 && this.onMessages !== undefined && this.unreadAfter.value === undefined) {
      // On screen, but nobody looks: the line shows later where attention ended.
      this.unreadAfter.value = Math.max(seqBefore, this.#readSeq());
    }
    if (unread.length > 0) this.onMessages?.(unread);
    this.#changed();
  }

  #changed(): void {
    // Who enters for the first time starts reading at the end; everything before is history.
    if (this.#read === undefined && this.feed.state === "live") this.#markRead();
    this.#count();
    this.#draw();
  }

  #readSeq(): number {
    const position = this.feed.position;
    if (this.#read === undefined) return Number.POSITIVE_INFINITY;
    // What was read in a log that is gone says nothing about this one.
    return position !== undefined && position.epoch !== this.#read.epoch ? position.seq : this.#read.seq;
  }

  #markRead(): void {
    const position = this.feed.position;
    if (position === undefined) return;
    if (this.#read?.epoch === position.epoch && this.#read.seq >= position.seq) return;
    this.#read = position;
    setReadMark(this.id, position);
    this.#count();
  }

  #count(): void {
    const seq = this.#readSeq();
    let count = 0;
    for (let index = this.feed.records.length - 1; index >= 0; index -= 1) {
      const record = this.feed.records[index];
      if (record === undefined || record.seq <= seq) break;
      if (isUnread(record, this.me.id, seq)) count += 1;
    }
    this.unread.value = count;
  }

  #draw(): void {
    if (this.#drawAsked) return;
    this.#drawAsked = true;
    const draw = () => {
      this.#drawAsked = false;
      this.version.value += 1;
    };
    // A hidden page gets no frames, but its title still counts what is unread.
    if (document.hidden) setTimeout(draw, 250);
    else requestAnimationFrame(draw);
  }
}
