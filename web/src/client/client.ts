/**
 * The client: one connection that comes back by itself, and the rooms and messages that live on it.
 * It knows nothing of any page, and keeps nothing beyond its own life.
 */
import { Api } from "./api";
import type { BackoffOptions } from "./backoff";
import { Caller } from "./caller";
import { Connection, type ConnectionState } from "./connection";
import { Emitter } from "./emitter";
import { Feed, type RoomFeed } from "./feed";
import { followByEvents, followByPolling } from "./follow";
import { HttpLink } from "./http-link";
import type { Link, LinkHandler } from "./link";
import { Outbox, type Outgoing } from "./outbox";
import { Passport, type Grant, type Renew } from "./passport";
import { isRenamed, type Ack, type Push, type Room, type RoomChange, type RoomRecord, type User } from "./protocol";
import { Refusal } from "./refusal";
import { SocketLink, type SocketLike } from "./socket-link";
import { Subscription } from "./subscription";
import type { Choice, Way } from "./ways";

/** Who connects. What it takes to come by a new token replaces one that is lost or ends. */
export interface Identity extends Partial<Grant> {
  renew?: Renew;
  /** A guest, whose nickname and secret are good for a token at any time. */
  nickname?: string;
  secret?: string;
}

export interface ClientEvents {
  state: ConnectionState;
  /** Connected, for the first time or again. */
  connected: User;
  /** We are called otherwise now. */
  renamed: User;
  /** A room was made, changed or closed; only after `watchRooms`. */
  room: { change: RoomChange; room: Room };
  /** The messages on their way into this room (its id) changed. */
  outgoing: string;
}

export interface ClientOptions {
  /** Where the server is, for instance `https://chat.example.org`. */
  url: string;
  identity: Identity;
  /** How to be connected; the best way that gets through by default. */
  choice?: Choice;
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

export class KlatschClient extends Emitter<ClientEvents> {
  readonly api: Api;
  readonly #options: ClientOptions;
  readonly #passport: Passport;
  readonly #connection: Connection;
  readonly #rooms = new Map<string, Entry>();
  #user: User | undefined;
  #watching = false;
  #attended: string | undefined;

  constructor(options: ClientOptions) {
    super();
    this.#options = options;
    this.#passport = passportOf(options);
    this.api = new Api(new Caller({ url: options.url, passport: this.#passport, fetch: options.fetch }));
    this.#connection = new Connection({
      api: this.api,
      passport: this.#passport,
      choice: options.choice ?? "auto",
      open: (way, token, handler) => this.#openLink(way, token, handler),
      backoff: options.backoff,
    });
    this.#connection.on("up", (user) => this.#welcome(user));
    this.#connection.on("down", () => this.#interrupt());
    this.#connection.on("pushed", (push) => this.#pushed(push));
    this.#connection.on("state", (state) => this.emit("state", state));
  }

  get state(): ConnectionState {
    return this.#connection.state;
  }

  /** Who we are; undefined until the first connection. */
  get user(): User | undefined {
    return this.#user;
  }

  /** The token in force; it can be kept for the next start. */
  get token(): string | undefined {
    return this.#passport.token;
  }

  /** Connects, and stays connected until `stop`. */
  start(): void {
    this.#connection.start();
  }

  /** Disconnects. Rooms and unsent messages stay, and `start` goes on with them. */
  stop(): void {
    this.#connection.stop();
  }

  /** Something may have changed (the page became visible, somebody is impatient): look now rather than later. */
  poke(): void {
    this.#connection.poke();
  }

  /** The network came, went or is another one: ways that did not get through are tried again. */
  networkChanged(): void {
    this.#connection.networkChanged();
  }

  /** Connects that way from now on. Rooms and unsent messages stay. */
  choose(choice: Choice): void {
    this.#connection.choose(choice);
  }

  /** Says which room somebody looks at, if any. Over HTTP only that one is followed as it happens; others lag a little. */
  attend(room: string | undefined): void {
    this.#attended = room;
    this.#connection.link?.attend(room);
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
    this.#connection.link?.part(room);
  }

  /** Leaves a room for good. Rejects with a `Refusal`; without a connection with `unreachable`. */
  async leave(room: string): Promise<void> {
    const { link } = this.#connection;
    if (link === undefined) throw Refusal.unreachable();
    await link.leave(room);
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
    this.#connection.link?.watchRooms();
  }

  #openLink(way: Way, token: string, handler: LinkHandler): Link {
    if (way !== "socket") return new HttpLink(this.api, way === "events" ? followByEvents : followByPolling, handler);
    const open = this.#options.openSocket ?? ((url: string): SocketLike => new WebSocket(url));
    return new SocketLink(open(socketUrl(this.#options.url)), token, this.#passport, handler);
  }

  #welcome(user: User): void {
    this.#user = user;
    const { link } = this.#connection;
    link?.attend(this.#attended);
    if (this.#watching) link?.watchRooms();
    // Rooms that were left or refused stay so until somebody opens them again: a join would make a member.
    const waiting = [...this.#rooms.values()].filter(({ feed }) => feed.state === "waiting");
    const first = waiting.filter(({ feed }) => feed.id === this.#attended);
    for (const entry of [...first, ...waiting.filter((one) => !first.includes(one))]) this.#subscribe(entry);
    this.emit("connected", user);
  }

  /** The link is gone: rooms and messages wait for the next. */
  #interrupt(): void {
    for (const { subscription, outbox } of this.#rooms.values()) {
      subscription.stop();
      outbox.interrupt();
    }
  }

  #subscribe(entry: Entry): void {
    const { link } = this.#connection;
    if (link !== undefined) void entry.subscription.start(link);
  }

  #sendNow({ room, body, clientId }: Outgoing): Promise<Pick<Ack, "seq">> {
    return this.#connection.link?.send(room, body, clientId) ?? Promise.reject(Refusal.unreachable());
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
    for (const record of records) this.#called(record);
  }

  /** Somebody has another nickname; it may be ourselves, by another device. */
  #called(record: RoomRecord): void {
    const { id, nickname } = this.#user ?? {};
    // A record from before says what we were called then.
    if (!isRenamed(record) || record.sender.id !== id || record.sender.nickname !== nickname) return;
    this.#user = { id: record.sender.id, nickname: record.nickname };
    this.emit("renamed", this.#user);
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
}

function passportOf({ url, identity, fetch }: ClientOptions): Passport {
  const { token, lifeMs, nickname, secret } = identity;
  const asGuest = (of: string) => new Api(new Caller({ url, fetch })).signIn(of, secret);
  const renew = identity.renew ?? (nickname === undefined ? undefined : () => asGuest(nickname));
  return new Passport(token === undefined ? undefined : { token, lifeMs }, renew);
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
