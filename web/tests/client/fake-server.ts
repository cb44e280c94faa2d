/**
 * A Klatsch small enough to break on purpose: rooms in memory; HTTP with long polling and events, and the native
 * socket, as PROTOCOL.md has them. It speaks only what the client needs, and lets a test cut, delay, refuse and forget.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import type { ActRecord, Missing, Position, Room, RoomRecord, User } from "../../src/client";

export interface FakeRoom {
  id: string;
  name: string;
  epoch: string;
  records: RoomRecord[];
  members: Map<string, User>;
  /** Whether only members may read it. */
  private?: boolean;
}

interface Peer {
  socket: WebSocket;
  user: User | undefined;
  rooms: Set<string>;
  watching: boolean;
}

/** Somebody who follows a room over HTTP: called with each record; `end` cuts them off. */
interface Reader {
  room: FakeRoom;
  take: (record: RoomRecord) => void;
  end: () => void;
}

/**
 * What a test does to a call over HTTP: it never arrives; it is done but its answer is lost; it is never answered;
 * it is refused until later.
 */
export type Mishap = "drop" | "lose" | "mute" | "later" | undefined;

export interface HttpCall {
  method: string;
  path: string;
  query: URLSearchParams;
  body: Record<string, string>;
}

type Frame = Record<string, unknown> & { id?: number; type: string };

export interface FakeOptions {
  heartbeatS?: number;
  port?: number;
  /** Serves what is neither API nor socket. */
  fallback?: (request: IncomingMessage, response: ServerResponse) => void;
}

export class FakeServer {
  readonly rooms = new Map<string, FakeRoom>();
  readonly users = new Map<string, { user: User; secret: string }>();
  readonly tokens = new Map<string, User>();
  /** Every `send` frame that arrived, in order. */
  readonly sends: Frame[] = [];
  readonly connects: Frame[] = [];
  /** Every `refresh` frame that arrived, in order. */
  readonly refreshes: Frame[] = [];
  /** Called for each frame first; true means it was dealt with. */
  intercept: ((frame: Frame, peer: Peer) => boolean) | undefined;
  /** Called for each call over HTTP first, that of the socket's opening included. */
  mishap: ((call: HttpCall) => Mishap) | undefined;
  /** Every message that arrived over HTTP, in order. */
  readonly posts: HttpCall[] = [];
  #http: Server;
  #peers = new Set<Peer>();
  #readers = new Set<Reader>();
  #muted = new Set<Duplex>();
  #options: FakeOptions;
  #ids = 0;

  constructor(options: FakeOptions = {}) {
    this.#options = options;
    this.#http = createServer((request, response) => void this.#serve(request, response));
    const sockets = new WebSocketServer({ noServer: true });
    this.#http.on("upgrade", (request, socket, head) => {
      const mishap = this.mishap?.(callOf(request, {}));
      if (mishap === "drop") socket.destroy();
      if (mishap === "mute") this.#muted.add(socket);
      if (mishap === undefined) sockets.handleUpgrade(request, socket, head, (peer) => this.#welcome(peer));
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => {
      this.#http.listen(this.#options.port ?? 0, "127.0.0.1", resolve);
    });
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.cut();
    for (const socket of this.#muted) socket.destroy();
    this.#http.closeAllConnections();
    await new Promise((resolve) => {
      this.#http.close(resolve);
    });
  }

  get connections(): number {
    return this.#peers.size;
  }

  addUser(nickname: string, secret = "a-secret-of-16-characters"): { user: User; token: string } {
    const known = this.users.get(nickname);
    const user = known?.user ?? { id: `u${this.#next()}`, nickname };
    this.users.set(nickname, { user, secret: known?.secret ?? secret });
    const token = `t${this.#next()}`;
    this.tokens.set(token, user);
    return { user, token };
  }

  /** A token that ends by itself; how long it is good is told with it. */
  issue(nickname: string, lifeMs: number): { token: string; lifeMs: number } {
    const { token } = this.addUser(nickname);
    setTimeout(() => this.tokens.delete(token), lifeMs);
    return { token, lifeMs };
  }

  addRoom(name: string): FakeRoom {
    const room: FakeRoom = { id: `r${this.#next()}`, name, epoch: "e1", records: [], members: new Map() };
    this.rooms.set(room.id, room);
    this.#pushRoom(room, "created");
    return room;
  }

  /** Appends a message as if `sender` had sent it, and shows it to whoever follows the room. */
  say(room: FakeRoom, sender: User, body: string, fields: { client_id?: string; at?: string } = {}): RoomRecord {
    return this.#append(room, { kind: "message", sender, body, ...fields });
  }

  move(room: FakeRoom, user: User, kind: "joined" | "left", at?: string): void {
    if (kind === "joined") room.members.set(user.id, user);
    else room.members.delete(user.id);
    this.#append(room, { kind, sender: user, ...(at === undefined ? {} : { at }) });
    this.#pushRoom(room, "changed");
  }

  /** Appends a record about somebody, by Mina; whoever it takes out of the room is no member any more. */
  act(room: FakeRoom, kind: ActRecord["kind"], user: User, fields: Partial<ActRecord> = {}): RoomRecord {
    if (kind === "kicked" || kind === "banned") room.members.delete(user.id);
    return this.#append(room, { kind, sender: { id: "mina", nickname: "Mina" }, user, ...fields });
  }

  /** Appends a record that is neither a message nor about somebody else. */
  note(room: FakeRoom, kind: string, sender: User, fields: object = {}): RoomRecord {
    return this.#append(room, { kind, sender, ...fields });
  }

  /** Cuts every connection without a close frame. */
  cut(): void {
    for (const peer of this.#peers) peer.socket.terminate();
    for (const reader of this.#readers) reader.end();
  }

  /** Forgets everybody who follows a room over HTTP, without a word to them. */
  forgetReaders(): void {
    this.#readers.clear();
  }

  /** How many follow a room over HTTP right now. */
  get readers(): number {
    return this.#readers.size;
  }

  /** Closes every connection as a server does that wants to, after a `closing` frame. */
  closeAll(code: number, retryAfterMs?: number): void {
    for (const peer of this.#peers) {
      send(peer, { type: "closing", code, reason: "test", retry_after_ms: retryAfterMs });
      peer.socket.close(code, "test");
    }
  }

  /** Sends a frame to everybody, whatever it is. */
  push(frame: object): void {
    for (const peer of this.#peers) send(peer, frame);
  }

  #next(): number {
    this.#ids += 1;
    return this.#ids;
  }

  #append(room: FakeRoom, fields: object): RoomRecord {
    const base = { room: room.id, seq: room.records.length + 1, at: new Date().toISOString() };
    const record = { ...base, ...fields } as RoomRecord;
    room.records.push(record);
    for (const peer of this.#peers) {
      if (peer.rooms.has(room.id)) send(peer, { type: "record", ...record });
    }
    for (const reader of this.#readers) if (reader.room === room) reader.take(record);
    return record;
  }

  #pushRoom(room: FakeRoom, change: string): void {
    for (const peer of this.#peers) {
      if (peer.watching) send(peer, { type: "room", change, room: roomOf(room) });
    }
  }

  #welcome(socket: WebSocket): void {
    const peer: Peer = { socket, user: undefined, rooms: new Set(), watching: false };
    this.#peers.add(peer);
    socket.on("close", () => this.#peers.delete(peer));
    socket.on("message", (data: Buffer) => {
      const frame = JSON.parse(data.toString()) as Frame;
      if (this.intercept?.(frame, peer) === true) return;
      this.#answer(peer, frame);
    });
  }

  #answer(peer: Peer, frame: Frame): void {
    const reply = (fields: object) => send(peer, { id: frame.id, ...fields });
    if (frame.type === "ping") {
      reply({ type: "pong" });
      return;
    }
    if (frame.type === "connect") {
      this.#connect(peer, frame, reply);
      return;
    }
    if (frame.type === "refresh") {
      this.refreshes.push(frame);
      const known = this.tokens.has(String(frame["token"]));
      reply(known ? { type: "refreshed", expires_at: "2027-01-01T00:00:00.000Z" } : refusal("unauthenticated"));
      return;
    }
    if (frame.type === "watch") {
      peer.watching = true;
      reply({ type: "watching" });
      return;
    }
    const room = [...this.rooms.values()].find((one) => one.id === frame["room"] || one.name === frame["room"]);
    if (room === undefined || peer.user === undefined) {
      reply(refusal(peer.user === undefined ? "unauthenticated" : "room_not_found"));
      return;
    }
    this.#act(peer, peer.user, room, frame, reply);
  }

  #connect(peer: Peer, frame: Frame, reply: (fields: object) => void): void {
    this.connects.push(frame);
    const found = this.#identify(frame);
    if (typeof found === "string") {
      reply(refusal(found));
      if (found === "unauthenticated") peer.socket.close(4500, found);
      return;
    }
    peer.user = found.user;
    reply({ type: "connected", session: "s1", heartbeat_s: this.#options.heartbeatS ?? 25, ...found });
  }

  #identify(frame: Frame): { user: User; token?: string } | string {
    if (typeof frame["token"] === "string") {
      const user = this.tokens.get(frame["token"]);
      return user === undefined ? "unauthenticated" : { user };
    }
    const nickname = String(frame["nickname"]);
    const known = this.users.get(nickname);
    if (known !== undefined && known.secret !== frame["secret"]) return "nickname_taken";
    return this.addUser(nickname, String(frame["secret"]));
  }

  #act(peer: Peer, user: User, room: FakeRoom, frame: Frame, reply: (fields: object) => void): void {
    switch (frame.type) {
      case "join":
        this.#join(peer, user, room, frame, reply);
        break;
      case "send":
        this.sends.push(frame);
        this.#send(user, room, frame, reply);
        break;
      case "leave":
        peer.rooms.delete(room.id);
        this.move(room, user, "left");
        reply({ type: "left", room: room.id });
        break;
      case "part":
        peer.rooms.delete(room.id);
        reply({ type: "parted", room: room.id });
        break;
      default:
        reply(refusal("unknown_type"));
    }
  }

  #join(peer: Peer, user: User, room: FakeRoom, frame: Frame, reply: (fields: object) => void): void {
    const after = frame["after"] as Position | undefined;
    const before = room.records.length;
    peer.rooms.delete(room.id);
    if (!room.members.has(user.id)) this.move(room, user, "joined");
    const position: Position = { epoch: room.epoch, seq: room.records.length };
    const honoured = after === undefined || (after.epoch === room.epoch && after.seq <= before);
    const missing: Missing | undefined = honoured ? undefined : { from: 1, to: before };
    reply({ type: "joined", room: roomOf(room), position, ...(after && { recovered: honoured, missing }) });
    peer.rooms.add(room.id);
    const old = room.records.slice(honoured ? (after?.seq ?? before) : before);
    if (old.length > 0) send(peer, { type: "records", room: room.id, records: old });
  }

  #send(user: User, room: FakeRoom, frame: Frame, reply: (fields: object) => void): void {
    const { body, client_id } = frame as Frame & { body: string; client_id: string };
    const known = room.records.find((one) => "client_id" in one && one.client_id === client_id);
    const record = known ?? this.say(room, user, body, { client_id });
    reply({ type: "ack", room: room.id, seq: record.seq, at: record.at, client_id });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://fake");
    const parts = url.pathname.split("/").filter(Boolean);
    if (parts[0] !== "api" && this.#options.fallback !== undefined) {
      this.#options.fallback(request, response);
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = (chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : {}) as Record<string, string>;
    const call = callOf(request, body);
    const mishap = this.mishap?.(call);
    if (mishap === "drop") response.destroy();
    if (mishap === "drop" || mishap === "mute") return;
    if (mishap === "later") {
      response.writeHead(503, { "Content-Type": "application/json" });
      response.end(JSON.stringify({ ...problem("overloaded"), retry: "later", retry_after_ms: 1 }));
      return;
    }
    const room = this.rooms.get(parts[2] ?? "");
    if (room !== undefined && parts[3] === "events") {
      this.#stream(room, call.query, response);
      return;
    }
    if (room !== undefined && parts[3] === "messages" && call.query.has("wait")) await this.#held(room, call.query, response);
    if (response.destroyed) return;
    const user = this.tokens.get(request.headers.authorization?.replace("Bearer ", "") ?? "");
    const [status, answer] = this.#route(call.method, parts.slice(1), call.query, body, user);
    if (mishap === "lose") {
      response.destroy();
      return;
    }
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(status === 204 ? undefined : JSON.stringify(answer));
  }

  /** Resolves when the room has a record after the position, or the time is over, or the reader is cut off. */
  #held(room: FakeRoom, query: URLSearchParams, response: ServerResponse): Promise<void> {
    const [epoch, seq] = (query.get("after") ?? "").split(":");
    if (epoch !== room.epoch || Number(seq) !== room.records.length) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => reader.take({} as RoomRecord), Number(query.get("wait")) * 1000);
      const reader: Reader = {
        room,
        take: () => {
          clearTimeout(timer);
          this.#readers.delete(reader);
          resolve();
        },
        end: () => {
          response.destroy();
          reader.take({} as RoomRecord);
        },
      };
      this.#readers.add(reader);
      response.on("close", reader.take);
    });
  }

  #stream(room: FakeRoom, query: URLSearchParams, response: ServerResponse): void {
    const [epoch, seq] = (query.get("after") ?? "").split(":");
    const recovered = epoch === room.epoch && Number(seq) <= room.records.length;
    const head = { epoch: room.epoch, seq: room.records.length };
    const write = (record: RoomRecord) =>
      response.write(`id: ${room.epoch}:${record.seq}\nevent: record\ndata: ${JSON.stringify(record)}\n\n`);
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    const missing = recovered ? undefined : { from: 1, to: head.seq };
    response.write(`event: joined\ndata: ${JSON.stringify({ room: roomOf(room), head, recovered, missing })}\n\n: comment\n\n`);
    if (recovered) room.records.slice(Number(seq)).forEach(write);
    const reader: Reader = { room, take: write, end: () => response.destroy() };
    this.#readers.add(reader);
    response.on("close", () => this.#readers.delete(reader));
  }

  #route(
    method: string,
    parts: string[],
    query: URLSearchParams,
    body: Record<string, string>,
    user: User | undefined,
  ): [number, unknown] {
    const [resource, id, sub] = parts;
    if (resource === "users" && id === "me") return user === undefined ? [401, problem("unauthenticated")] : [200, user];
    if (resource === "users") {
      const found = this.#identify({ type: "connect", ...body });
      return typeof found === "string" ? [409, problem(found)] : [201, found];
    }
    if (id === undefined && method === "POST") {
      const taken = [...this.rooms.values()].find((room) => room.name === body["name"]);
      if (taken !== undefined) return [409, { ...problem("room_name_taken"), room: roomOf(taken) }];
      return [201, roomOf(this.addRoom(body["name"] ?? ""))];
    }
    if (id === undefined) {
      const wanted = query.get("name");
      const rooms = [...this.rooms.values()].toReversed().filter((room) => wanted === null || room.name === wanted);
      return [200, { rooms: rooms.map(roomOf), next: null }];
    }
    const room = this.rooms.get(id);
    if (room === undefined) return [404, problem("room_not_found")];
    if (method !== "GET") return this.#change(method, room, body, user);
    if (room.private === true && !room.members.has(user?.id ?? "")) return [403, problem("not_a_member")];
    if (sub === "members") return [200, { members: [...room.members.values()], next: null }];
    return sub === "messages" ? page(room, query) : [200, roomOf(room)];
  }

  /** Joins, leaves or sends, as somebody. */
  #change(method: string, room: FakeRoom, body: Record<string, string>, user: User | undefined): [number, unknown] {
    if (user === undefined) return [401, problem("unauthenticated")];
    const member = room.members.has(user.id);
    if (method === "PUT") {
      if (!member) this.move(room, user, "joined");
      return [200, roomOf(room)];
    }
    if (method === "DELETE") {
      if (member) this.move(room, user, "left");
      return [204, undefined];
    }
    this.posts.push({ method, path: room.id, query: new URLSearchParams(), body });
    if (!member) return [403, problem("not_a_member")];
    const known = room.records.find((one) => "client_id" in one && one.client_id === body["client_id"]);
    return known === undefined ? [201, this.say(room, user, body["body"] ?? "", body)] : [200, known];
  }
}

function callOf(request: IncomingMessage, body: Record<string, string>): HttpCall {
  const url = new URL(request.url ?? "/", "http://fake");
  return { method: request.method ?? "GET", path: url.pathname, query: url.searchParams, body };
}

function page(room: FakeRoom, query: URLSearchParams): [number, unknown] {
  const limit = Number(query.get("limit") ?? 50);
  const head = { epoch: room.epoch, seq: room.records.length };
  const after = query.get("after");
  const before = query.get("before");
  const [epoch, seq] = (after ?? before ?? room.epoch).split(":");
  const lost = epoch !== room.epoch || (after !== null && Number(seq) > head.seq);
  if (lost) return [410, { ...problem("position_lost"), head, missing: { from: 1, to: head.seq } }];
  const from = after === null ? undefined : Number(after.split(":")[1]);
  const to = before === null ? room.records.length : Number(before.split(":")[1]) - 1;
  const records = from === undefined ? room.records.slice(Math.max(0, to - limit), to) : room.records.slice(from, from + limit);
  const position = { epoch: room.epoch, seq: records.at(-1)?.seq ?? from ?? head.seq };
  return [200, { records, position, head }];
}

function roomOf(room: FakeRoom): Room {
  return {
    id: room.id,
    name: room.name,
    created_at: "2026-01-01T00:00:00.000Z",
    created_by: { id: "u0", nickname: "host" },
    members: room.members.size,
    head: { epoch: room.epoch, seq: room.records.length },
  };
}

function problem(code: string): object {
  return { type: "about:blank", title: code, status: 0, detail: code, code, retry: "no" };
}

function refusal(code: string): object {
  return { type: "error", code, message: code, retry: code === "overloaded" ? "later" : "no" };
}

function send(peer: Peer, frame: object): void {
  peer.socket.send(JSON.stringify(frame));
}
