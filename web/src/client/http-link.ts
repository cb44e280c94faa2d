/**
 * A link over HTTP: calls for what people do, and one room followed as it happens. How that is done is given to it.
 * A browser opens only some six connections to a server, over all its tabs. So only the room that somebody looks at
 * holds one; the others are visited in turn.
 */
import type { Api } from "./api";
import { Backoff } from "./backoff";
import { PAGE, type Follow } from "./follow";
import { ABNORMAL, type Link, type LinkEnd, type LinkHandler } from "./link";
import { isClosed, isMember, whoWent, type Ack, type Joined, type Missing, type Position, type RoomRecord } from "./protocol";
import { asRefusal, Refusal } from "./refusal";
import { RoomWatch } from "./room-watch";
import { pause } from "./timing";

/** A followed room that nobody looks at is visited about so often, in milliseconds, … */
const VISIT_MS = 5_000;
/** … but all of them together no more often than this. */
const LEAST_VISIT_MS = 1_000;
/** So often in a row the server may say `later` to a reader; then the link counts as lost. */
const ATTEMPTS = 4;
const PROBE_MS = 5_000;
/** What a reader is refused with whose membership is over. */
const ENDS: ReadonlySet<string> = new Set(["room_not_found", "not_a_member", "banned", "room_closed"]);
const GOING_AWAY = 4000;
const UNAUTHENTICATED = 4500;

interface Reading {
  readonly room: string;
  position: Position;
  /** A record above this may end the own membership; below, it is history. */
  readonly joinedAt: number;
  leaving: boolean;
}

export class HttpLink implements Link {
  readonly #api: Api;
  readonly #follow: Follow;
  readonly #handler: LinkHandler;
  readonly #watch: RoomWatch;
  readonly #life = new AbortController();
  readonly #readings = new Map<string, Reading>();
  #me = "";
  #attended: string | undefined;
  /** Calls off the following of the attended room. */
  #held: AbortController | undefined;
  /** Rooms that nobody looks at are joined one after the other. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(api: Api, follow: Follow, handler: LinkHandler) {
    this.#api = api.until(this.#life.signal);
    this.#follow = follow;
    this.#handler = handler;
    this.#watch = new RoomWatch(this.#api, this.#life.signal, (push) => handler.pushed(push));
    void this.#introduce();
  }

  async join(room: string, after: Position): Promise<Omit<Joined, "type">> {
    if (room === this.#attended) return this.#join(room, after);
    const joined = this.#queue.then(() => this.#join(room, after));
    this.#queue = joined.catch(() => undefined);
    return joined;
  }

  part(room: string): void {
    this.#readings.delete(room);
    if (room === this.#attended) this.#hold();
  }

  async leave(room: string): Promise<void> {
    const reading = this.#readings.get(room);
    if (reading !== undefined) reading.leaving = true;
    try {
      await this.#call(() => this.#api.leave(room));
    } catch (error) {
      if (reading !== undefined) reading.leaving = false;
      throw error;
    }
    this.part(room);
  }

  send(room: string, body: string, clientId: string): Promise<Pick<Ack, "seq">> {
    return this.#call(() => this.#api.send(room, body, clientId));
  }

  watchRooms(): void {
    this.#watch.start();
  }

  attend(room: string | undefined): void {
    if (room === this.#attended) return;
    this.#attended = room;
    this.#hold();
  }

  probe(): void {
    this.#call(() => this.#api.me(PROBE_MS)).catch(ignore);
  }

  close(): void {
    this.#life.abort();
    this.#held?.abort();
  }

  get #over(): boolean {
    return this.#life.signal.aborted;
  }

  async #introduce(): Promise<void> {
    try {
      const { id, nickname } = await this.#api.me();
      if (this.#over) return;
      this.#me = id;
      this.#handler.connected({ id, nickname });
      void this.#visitInTurn();
    } catch (error) {
      if (this.#over) return;
      const refusal = asRefusal(error);
      if (refusal.code === "unreachable") {
        this.#end({});
        return;
      }
      this.close();
      this.#handler.refused(refusal);
    }
  }

  async #join(room: string, after: Position): Promise<Omit<Joined, "type">> {
    this.part(room);
    const joined = await this.#call(() => this.#api.join(room));
    this.#watch.tell("changed", joined);
    const begin = (position: Position): Reading => {
      const reading = { room, position, joinedAt: joined.head.seq, leaving: false };
      this.#readings.set(room, reading);
      return reading;
    };
    try {
      const page = await this.#call(() => this.#api.records(room, { after, limit: PAGE }));
      this.#take(begin(after), page.records);
      return { room: joined, position: joined.head, recovered: true };
    } catch (error) {
      const refusal = asRefusal(error);
      if (refusal.code !== "position_lost") throw refusal;
      const head = (refusal.details["head"] as Position | undefined) ?? joined.head;
      const missing = (refusal.details["missing"] as Missing | undefined) ?? { from: 1, to: head.seq };
      begin({ epoch: head.epoch, seq: missing.to });
      return { room: joined, position: head, recovered: false, missing };
    } finally {
      if (room === this.#attended) this.#hold();
    }
  }

  /** Follows the attended room and no other. */
  #hold(): void {
    this.#held?.abort();
    this.#held = undefined;
    const reading = this.#readings.get(this.#attended ?? "");
    if (reading === undefined || this.#over) return;
    this.#held = new AbortController();
    void this.#holdOn(reading, this.#held.signal);
  }

  async #holdOn(reading: Reading, signal: AbortSignal): Promise<void> {
    const backoff = new Backoff();
    const take = (records: RoomRecord[]) => {
      if (signal.aborted) return;
      backoff.reset();
      this.#take(reading, records);
    };
    const heard = () => this.#handler.heard();
    const position = () => reading.position;
    while (!signal.aborted) {
      try {
        await this.#follow({ api: this.#api, room: reading.room, position, take, heard, signal });
      } catch (error) {
        if (signal.aborted) return;
        const refusal = asRefusal(error);
        if (!isPassing(refusal) || backoff.attempts >= ATTEMPTS) {
          this.#give(reading, refusal);
          return;
        }
        await pause(backoff.next(refusal.retryAfterMs), signal);
      }
    }
  }

  async #visitInTurn(): Promise<void> {
    while (!this.#over) {
      const others = [...this.#readings.values()].filter(({ room }) => room !== this.#attended);
      const breakMs = Math.max(LEAST_VISIT_MS, VISIT_MS / others.length);
      if (others.length === 0) await pause(LEAST_VISIT_MS, this.#life.signal);
      for (const reading of others) {
        await pause(breakMs, this.#life.signal);
        const wanted = this.#readings.get(reading.room) === reading && reading.room !== this.#attended;
        if (wanted && !this.#over) await this.#visit(reading);
      }
    }
  }

  async #visit(reading: Reading): Promise<void> {
    try {
      for (;;) {
        const { records } = await this.#api.records(reading.room, { after: reading.position, limit: PAGE });
        if (this.#readings.get(reading.room) !== reading) return;
        this.#take(reading, records);
        if (records.length < PAGE) return;
      }
    } catch (error) {
      const refusal = asRefusal(error);
      if (!this.#over && !isPassing(refusal)) this.#give(reading, refusal);
    }
  }

  /** Hands on what has not been handed on yet, up to the end of the own membership. */
  #take(reading: Reading, records: readonly RoomRecord[]): void {
    if (this.#over || this.#readings.get(reading.room) !== reading) return;
    const { room, joinedAt } = reading;
    const news = records.filter(({ seq }) => seq > reading.position.seq);
    const end = news.findIndex((record) => whoWent(record) === this.#me && record.seq > joinedAt);
    const shown = end < 0 ? news : news.slice(0, end);
    const last = shown.at(-1);
    if (last !== undefined) {
      reading.position = { ...reading.position, seq: last.seq };
      this.#handler.pushed({ type: "records", room, records: shown });
    }
    if (shown.some((record) => isMember(record) || whoWent(record) !== undefined)) void this.#watch.recount(room);
    if (end >= 0) this.#parted(reading, news[end]?.kind === "banned" ? "banned" : "not_a_member");
    else if (shown.some(isClosed)) this.#parted(reading, "room_closed");
  }

  #parted({ room, leaving }: Reading, code: string): void {
    this.part(room);
    if (!leaving) this.#handler.pushed({ type: "parted", room, code });
  }

  /** Makes a call; one that gets no answer, or shows that the token is worthless, ends the link. */
  async #call<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    if (this.#over) throw Refusal.unreachable();
    try {
      const answer = await call();
      if (this.#over) throw Refusal.unreachable();
      return answer;
    } catch (error) {
      const refusal = asRefusal(error);
      if (refusal.code !== "unreachable" && refusal.code !== "unauthenticated") throw refusal;
      this.#end(refusal.code === "unauthenticated" ? { code: UNAUTHENTICATED, reason: refusal.message } : {});
      throw Refusal.unreachable();
    }
  }

  /** A room cannot be read on: it is gone, or the whole link is no good. */
  #give(reading: Reading, refusal: Refusal): void {
    const { code, message: reason, retryAfterMs } = refusal;
    if (ENDS.has(code)) this.#parted(reading, code);
    // As the server does to a socket whose room begins anew: the next join says what is missing.
    else if (code === "position_lost") this.#end({ code: GOING_AWAY, reason });
    else this.#end({ reason, retryAfterMs: retryAfterMs ?? 0, barred: code === "barred" });
  }

  #end(end: Partial<LinkEnd>): void {
    if (this.#over) return;
    this.close();
    this.#handler.ended({ code: ABNORMAL, reason: "", retryAfterMs: 0, barred: false, ...end });
  }
}

/** The server is there and says that it will be able to answer later. */
function isPassing(refusal: Refusal): boolean {
  return refusal.status > 0 && refusal.retry === "later";
}

function ignore(): void {}
