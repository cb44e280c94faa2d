/**
 * The HTTP calls a chat client needs, typed. It keeps nothing and retries nothing.
 * Each rejects with a `Refusal`: `unreachable` where no answer came in time, or the caller's signal called it off.
 */
import { positionText, type MessageRecord, type Position, type Room, type RoomRecord, type User } from "./protocol";
import { Refusal } from "./refusal";
import { Deadline } from "./timing";

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

export interface ApiOptions {
  /** Where the server is, for instance `https://chat.example.org`. */
  url: string;
  token?: () => string | undefined;
  fetch?: typeof fetch;
  /** Calls off everything that is under way, and whatever is asked later. */
  signal?: AbortSignal;
}

interface Call {
  query?: Record<string, string | number | undefined>;
  body?: unknown;
  signal?: AbortSignal | undefined;
  /** How long an answer may take, in milliseconds. */
  patienceMs?: number;
}

/** How long an answer may take that is not held, in milliseconds. */
const PATIENCE_MS = 15_000;

export class Api {
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  /** The same, for as long as `signal` lets it. */
  until(signal: AbortSignal): Api {
    return new Api({ ...this.#options, signal });
  }

  /** Takes a nickname. The same nickname with the same secret is the same user. */
  signIn(nickname: string, secret?: string): Promise<{ user: User; token: string }> {
    return this.#call("POST", "/api/users", { body: { nickname, secret } });
  }

  /** Who the token speaks for. */
  me(patienceMs = PATIENCE_MS): Promise<User> {
    return this.#call("GET", "/api/users/me", { patienceMs });
  }

  createRoom(name: string): Promise<Room> {
    return this.#call("POST", "/api/rooms", { body: { name } });
  }

  rooms(query: { after?: string; limit?: number; name?: string } = {}): Promise<{ rooms: Room[]; next: string | null }> {
    return this.#call("GET", "/api/rooms", { query });
  }

  room(id: string): Promise<Room> {
    return this.#call("GET", roomPath(id));
  }

  members(id: string, query: { after?: string; limit?: number } = {}): Promise<{ members: User[]; next: string | null }> {
    return this.#call("GET", roomPath(id, "/members"), { query });
  }

  /** Becomes a member; the room's head is at least that of the own `joined` record. */
  join(id: string): Promise<Room> {
    return this.#call("PUT", roomPath(id, "/members/me"));
  }

  leave(id: string): Promise<void> {
    return this.#call("DELETE", roomPath(id, "/members/me"));
  }

  /** Resolves with the record once it is durable; the first one's where `clientId` has been sent before. */
  send(id: string, body: string, clientId: string): Promise<MessageRecord> {
    return this.#call("POST", roomPath(id, "/messages"), { body: { body, client_id: clientId } });
  }

  records(id: string, { before, after, limit, wait }: PageQuery = {}, signal?: AbortSignal): Promise<Page> {
    const query = { before: before && positionText(before), after: after && positionText(after), limit, wait };
    return this.#call("GET", roomPath(id, "/messages"), { query, signal, patienceMs: PATIENCE_MS + (wait ?? 0) * 1000 });
  }

  /** A room's server-sent events after a position. The signal is all that ends them from here. */
  async events(id: string, after: Position, signal: AbortSignal): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const path = roomPath(id, "/events");
    const response = await this.#send("GET", path, { query: { after: positionText(after) } }, signal, "text/event-stream");
    if (!response.ok) throw Refusal.fromProblem(response.status, await parsed(response));
    if (response.body === null) throw Refusal.unreachable();
    return response.body;
  }

  async #call<Answer>(method: "GET" | "POST" | "PUT" | "DELETE", path: string, call: Call = {}): Promise<Answer> {
    const deadline = new Deadline(call.patienceMs ?? PATIENCE_MS, call.signal ?? this.#options.signal);
    try {
      const response = await this.#send(method, path, call, deadline.signal, "application/json");
      if (response.status === 204) return undefined as Answer;
      const answer = await parsed(response);
      if (!response.ok) throw Refusal.fromProblem(response.status, answer);
      if (answer === undefined) throw Refusal.unreachable();
      return answer as Answer;
    } finally {
      deadline.end();
    }
  }

  #send(method: string, path: string, call: Call, signal: AbortSignal, accept: string): Promise<Response> {
    const url = new URL(path, this.#options.url);
    for (const [name, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const headers: Record<string, string> = { Accept: accept };
    const token = this.#options.token?.();
    if (token !== undefined) headers["Authorization"] = `Bearer ${token}`;
    const request: RequestInit = { method, headers, signal };
    if (call.body !== undefined) {
      headers["Content-Type"] = "application/json";
      request.body = JSON.stringify(call.body);
    }
    const send = this.#options.fetch ?? fetch;
    return send(url, request).catch(() => {
      throw Refusal.unreachable();
    });
  }
}

function roomPath(id: string, rest = ""): string {
  return `/api/rooms/${encodeURIComponent(id)}${rest}`;
}

function parsed(response: Response): Promise<unknown> {
  return response.json().catch(() => undefined);
}
