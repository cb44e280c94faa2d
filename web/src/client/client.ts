/**
 * The client: one connection that comes back by itself, and the rooms and messages that live on it.
 * It knows nothing of any page, and keeps nothing beyond its own life.
 */
import { Api } from "./api";
import { Backoff, type BackoffOptions } from "./backoff";
import { closeName, mayReconnect } from "./codes";
import { Emitter } from "./emitter";
import { Feed, type RoomFeed } from "./feed";
import { Link, type Credentials, type LinkEnd, type SocketLike } from "./link";
import { Outbox, type Outgoing } from "./outbox";
import type { Ack, Connected, Push, Room, RoomChange, RoomRecord, User } from "./protocol";
import { Refusal } from "./refusal";
import { Subscription } from "./subscription";

/** Who connects. With a nickname and its secret a lost token can be replaced. */
export interface Identity {
  token?: string;
  nickname?: string;
  secret?: string;
}

/**
 * `idle`: not started; `connecting`; `connected`; `waiting`: for the next attempt, at `retryAt`;
 * `failed`: given up, somebody has to change something.
 */
export type ConnectionState =
  | { phase: "idle" | "connecting" | "connected" }
  | { phase: "waiting"; retryAt: number; reason: string }
  | { phase: "failed"; code: string; reason: string };

export interface ClientEvents {
  state: ConnectionState;
  /** Connected, for the first time or again. */
  connected: User;
  /** A room was made, changed or closed; only after `watchRooms`. */
  room: { change: RoomChange; room: Room };
  /** The messages on their way into this room (its id) changed. */
  outgoing: string;
}

export interface ClientOptions {
  /** Where the server is, for instance `https://chat.example.org`. */
  url: string;
  identity: Identity;
  /** How many records a room begins with when nothing else is asked for. */
  firstPage?: number;
  backoff?: BackoffOptions;
  /** Opens a socket; the browser's by default. */
  openSocket?: (url: string) => SocketLike;
  fetch?: typeof fetch;
  /** Makes `client_id`s: unique, 1 to 64 characters. */
  makeId?: () => string;
}

interface Entry {
  feed: Feed;
  subscription: Subscription;
  outbox: Outbox;
}

/** A connection that lived this long, in milliseconds, counts as good: the next wait starts small again. */
const STEADY_MS = 10_000;

export class KlatschClient extends Emitter<ClientEvents> {
  readonly api: Api;
  readonly #options: ClientOptions;
  readonly #identity: Identity;
  readonly #rooms = new Map<string, Entry>();
  readonly #backoff: Backoff;
  #state: ConnectionState = { phase: "idle" };
  #user: User | undefined;
  #link: Link | undefined;
  #ready = false;
  #watching = false;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #steadyTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ClientOptions) {
    super();
    this.#options = options;
    this.#identity = { ...options.identity };
    this.#backoff = new Backoff(options.backoff);
    this.api = new Api({
      url: options.url,
      token: () => this.#identity.token,
      ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
    });
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Who we are; undefined until the first connection. */
  get user(): User | undefined {
    return this.#user;
  }

  /** The token in force; it can be kept for the next start. */
  get token(): string | undefined {
    return this.#identity.token;
  }

  /** Connects, and stays connected until `stop`. */
  start(): void {
    if (this.#state.phase === "idle" || this.#state.phase === "failed") this.#connect();
  }

  /** Disconnects. Rooms and unsent messages stay, and `start` goes on with them. */
  stop(): void {
    clearTimeout(this.#retryTimer);
    this.#dropLink();
    this.#enter({ phase: "idle" });
  }

  /** Something may have changed (the network, the page became visible): look now rather than later. */
  poke(): void {
    if (this.#state.phase === "waiting") this.#connect();
    else this.#link?.probe();
  }

  /** Enters a room (a member from then on) and follows it. A second call gives the same feed. */
  open(room: string, options: { firstPage?: number } = {}): RoomFeed {
    const known = this.#rooms.get(room);
    if (known !== undefined) {
      if (known.feed.state === "parted" || known.feed.state === "refused") this.#subscribe(known);
      return known.feed;
    }
    const feed = new Feed(room);
    const subscription = new Subscription(feed, this.api, options.firstPage ?? this.#options.firstPage ?? 50);
    const outbox = new Outbox({
      room,
      ready: () => subscription.caughtUp,
      seenSeq: () => feed.position?.seq ?? 0,
      send: (message) => this.#sendNow(message),
      changed: () => this.emit("outgoing", room),
    });
    const entry: Entry = { feed, subscription, outbox };
    this.#rooms.set(room, entry);
    feed.on("appended", (records) => this.#settle(entry, records));
    feed.on("changed", () => outbox.pump());
    this.#subscribe(entry);
    return feed;
  }

  /** Stops following a room; the user stays its member. What was unsent is dropped. */
  part(room: string): void {
    if (!this.#forget(room)) return;
    this.#link?.request<"part">({ type: "part", room }).catch(ignore);
  }

  /** Leaves a room for good. Rejects with a `Refusal`; without a connection with `unreachable`. */
  async leave(room: string): Promise<void> {
    const link = this.#link;
    if (link === undefined || !this.#ready) throw Refusal.unreachable();
    await link.request<"leave">({ type: "leave", room });
    this.#forget(room);
  }

  /** Loads up to `limit` older records into the room's feed; false when its beginning is reached. */
  loadOlder(room: string, limit: number): Promise<boolean> {
    return this.#rooms.get(room)?.subscription.loadOlder(limit) ?? Promise.resolve(false);
  }

  /** Writes a message. It is sent as soon as it can be, and again until it is acknowledged or refused. */
  send(room: string, body: string): Outgoing {
    this.open(room);
    const { outbox } = this.#rooms.get(room) as Entry;
    const message = outbox.add((this.#options.makeId ?? randomId)(), body);
    outbox.pump();
    return message;
  }

  /** Tries a failed message again, as the same message. */
  retry(message: Outgoing): void {
    const outbox = this.#rooms.get(message.room)?.outbox;
    outbox?.retry(message.clientId);
    outbox?.pump();
  }

  /** Gives an unsent or failed message up. */
  discard(message: Outgoing): void {
    this.#rooms.get(message.room)?.outbox.discard(message.clientId);
  }

  /** The room's messages that its log does not show yet, oldest first. */
  outgoing(room: string): readonly Outgoing[] {
    return this.#rooms.get(room)?.outbox.messages ?? [];
  }

  /** Asks for `room` events from now on, over every reconnect. */
  watchRooms(): void {
    this.#watching = true;
    if (this.#ready) this.#watchNow();
  }

  #connect(): void {
    clearTimeout(this.#retryTimer);
    this.#dropLink();
    const credentials = this.#credentials();
    if (credentials === undefined) {
      this.#enter({ phase: "failed", code: "unauthenticated", reason: "no token and no nickname" });
      return;
    }
    this.#enter({ phase: "connecting" });
    const open = this.#options.openSocket ?? ((url: string): SocketLike => new WebSocket(url));
    this.#link = new Link(open(socketUrl(this.#options.url)), credentials, {
      connected: (reply) => this.#welcome(reply),
      refused: (refusal) => this.#refused(refusal),
      pushed: (push) => this.#pushed(push),
      ended: (end) => this.#ended(end),
    });
  }

  /** The token if there is one, because each `connect` by nickname makes the server a new one to keep. */
  #credentials(): Credentials | undefined {
    const { token, nickname, secret } = this.#identity;
    if (token !== undefined) return { token };
    if (nickname === undefined) return undefined;
    return secret === undefined ? { nickname } : { nickname, secret };
  }

  #welcome(reply: Connected): void {
    this.#ready = true;
    this.#user = reply.user;
    if (reply.token !== undefined) this.#identity.token = reply.token;
    this.#steadyTimer = setTimeout(() => this.#backoff.reset(), STEADY_MS);
    this.#enter({ phase: "connected" });
    if (this.#watching) this.#watchNow();
    // Rooms that were left or refused stay so until somebody opens them again: a join would make a member.
    for (const entry of this.#rooms.values()) if (entry.feed.state === "waiting") this.#subscribe(entry);
    this.emit("connected", reply.user);
  }

  #refused(refusal: Refusal): void {
    this.#dropLink();
    if (refusal.code === "unauthenticated" && this.#replaceToken()) return;
    if (refusal.retry === "no") {
      this.#enter({ phase: "failed", code: refusal.code, reason: refusal.message });
      return;
    }
    this.#wait(refusal.message, refusal.retryAfterMs);
  }

  #ended(end: LinkEnd): void {
    this.#dropLink();
    const name = closeName(end.code);
    if (name === "unauthenticated" && this.#replaceToken()) return;
    if (!mayReconnect(end.code)) {
      this.#enter({ phase: "failed", code: name, reason: end.reason });
      return;
    }
    this.#wait(end.reason === "" ? name : end.reason, end.retryAfterMs);
  }

  /** A token can become worthless while nickname and secret stay good; true if that is being tried. */
  #replaceToken(): boolean {
    const { token, nickname, secret } = this.#identity;
    if (token === undefined || nickname === undefined || secret === undefined) return false;
    delete this.#identity.token;
    this.#connect();
    return true;
  }

  #wait(reason: string, atLeastMs = 0): void {
    const ms = this.#backoff.next(atLeastMs);
    this.#enter({ phase: "waiting", retryAt: Date.now() + ms, reason });
    this.#retryTimer = setTimeout(() => this.#connect(), ms);
  }

  #dropLink(): void {
    clearTimeout(this.#steadyTimer);
    this.#ready = false;
    this.#link?.close();
    this.#link = undefined;
    for (const { subscription, outbox } of this.#rooms.values()) {
      subscription.stop();
      outbox.interrupt();
    }
  }

  #subscribe(entry: Entry): void {
    if (this.#link !== undefined && this.#ready) void entry.subscription.start(this.#link);
  }

  #watchNow(): void {
    this.#link?.request<"watch">({ type: "watch", what: "rooms" }).catch(ignore);
  }

  #sendNow(message: Outgoing): Promise<Ack> {
    if (this.#link === undefined) return Promise.reject(Refusal.unreachable());
    const { room, body, clientId } = message;
    return this.#link.request<"send">({ type: "send", room, body, client_id: clientId });
  }

  #pushed(push: Push): void {
    switch (push.type) {
      case "record": {
        const { type: _, ...record } = push;
        this.#receive(push.room, [record]);
        break;
      }
      case "records":
        this.#receive(push.room, push.records);
        break;
      case "room":
        this.emit("room", { change: push.change, room: push.room });
        break;
      case "parted":
        this.#parted(push.room, push.code);
        break;
      default:
    }
  }

  #receive(room: string, records: readonly RoomRecord[]): void {
    const entry = this.#rooms.get(room);
    entry?.feed.accept(records);
    entry?.subscription.mend();
  }

  #parted(room: string, code: string | undefined): void {
    const entry = this.#rooms.get(room);
    if (entry === undefined) return;
    entry.subscription.stop();
    entry.feed.change({ state: "parted", partedCode: code });
  }

  #settle(entry: Entry, records: readonly RoomRecord[]): void {
    if (this.#user !== undefined) entry.outbox.settle(records, this.#user.id);
    entry.outbox.pump();
  }

  #forget(room: string): boolean {
    const entry = this.#rooms.get(room);
    entry?.subscription.stop();
    entry?.outbox.interrupt();
    return this.#rooms.delete(room);
  }

  #enter(state: ConnectionState): void {
    this.#state = state;
    this.emit("state", state);
  }
}

function socketUrl(base: string): string {
  const url = new URL("/api/socket", base);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/** 24 random characters; the same alphabet serves for secrets. */
export function randomId(length = 24): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return Array.from(bytes, (byte) => alphabet[byte % 64]).join("");
}

function ignore(): void {}
