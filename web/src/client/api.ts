/**
 * The HTTP calls a chat client needs, typed. It keeps nothing and retries nothing; each rejects with a `Refusal`.
 * What is rare (accounts, moderation, invitations) stands in files of its own.
 */
import { PATIENCE_MS, type Caller } from "./caller";
import {
  positionText,
  type Me,
  type Member,
  type MessageRecord,
  type OwnRoom,
  type Position,
  type Room,
  type RoomRecord,
  type Standing,
  type User,
  type Visibility,
} from "./protocol";

export interface Page {
  /** Ascending. */
  records: RoomRecord[];
  /** That of the last record; with none, of `after` or the head. */
  position: Position;
  head: Position;
}

export interface PageQuery {
  before?: Position;
  after?: Position;
  limit?: number;
  /** Seconds for which the answer may be held until there is a record; only with `after`. */
  wait?: number;
}

export class Api {
  readonly caller: Caller;

  constructor(caller: Caller) {
    this.caller = caller;
  }

  /** The same, for as long as `signal` lets it. */
  until(signal: AbortSignal): Api {
    return new Api(this.caller.until(signal));
  }

  /** Takes a nickname. The same nickname with the same secret is the same user. */
  signIn(nickname: string, secret?: string): Promise<{ user: User; token: string }> {
    return this.caller.call("POST", "/api/users", { body: { nickname, secret } });
  }

  /** Who the token speaks for. */
  me(patienceMs = PATIENCE_MS): Promise<Me> {
    return this.caller.call("GET", "/api/users/me", { patienceMs });
  }

  createRoom(name: string, visibility?: Visibility): Promise<Room> {
    return this.caller.call("POST", "/api/rooms", { body: { name, visibility } });
  }

  rooms(query: { after?: string; limit?: number; name?: string } = {}): Promise<{ rooms: Room[]; next: string | null }> {
    return this.caller.call("GET", "/api/rooms", { query });
  }

  room(id: string): Promise<Room> {
    return this.caller.call("GET", roomPath(id));
  }

  members(id: string, query: { after?: string; limit?: number } = {}): Promise<{ members: Member[]; next: string | null }> {
    return this.caller.call("GET", roomPath(id, "/members"), { query });
  }

  /** The rooms one is a member of, private and direct ones too. */
  myRooms(query: { after?: string; limit?: number } = {}): Promise<{ rooms: OwnRoom[]; next: string | null }> {
    return this.caller.call("GET", "/api/users/me/rooms", { query });
  }

  /** What one is, and may not do, in a room. */
  standing(id: string): Promise<Standing> {
    return this.caller.call("GET", roomPath(id, "/members/me"));
  }

  /** Becomes a member; the room's head is at least that of the own `joined` record. */
  join(id: string): Promise<Room> {
    return this.caller.call("PUT", roomPath(id, "/members/me"));
  }

  leave(id: string): Promise<void> {
    return this.caller.call("DELETE", roomPath(id, "/members/me"));
  }

  /** Resolves with the record once it is durable; the first one's where `clientId` has been sent before. */
  send(id: string, body: string, clientId: string): Promise<MessageRecord> {
    return this.caller.call("POST", roomPath(id, "/messages"), { body: { body, client_id: clientId } });
  }

  records(id: string, { before, after, limit, wait }: PageQuery = {}, signal?: AbortSignal): Promise<Page> {
    const query = { before: before && positionText(before), after: after && positionText(after), limit, wait };
    return this.caller.call("GET", roomPath(id, "/messages"), { query, signal, patienceMs: PATIENCE_MS + (wait ?? 0) * 1000 });
  }

  /** A room's server-sent events after a position. The signal is all that ends them from here. */
  events(id: string, after: Position, signal: AbortSignal): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    return this.caller.stream(roomPath(id, "/events"), { after: positionText(after) }, signal);
  }
}

export function roomPath(id: string, rest = ""): string {
  return `/api/rooms/${encodeURIComponent(id)}${rest}`;
}
