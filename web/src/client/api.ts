/**
 * The HTTP calls a chat client needs, typed. It keeps nothing and retries nothing.
 */
import { positionText, type Position, type Room, type RoomRecord, type User } from "./protocol";
import { Refusal } from "./refusal";

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
}

export interface ApiOptions {
  /** Where the server is, for instance `https://chat.example.org`. */
  url: string;
  token?: () => string | undefined;
  fetch?: typeof fetch;
}

export class Api {
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  /** Takes a nickname. The same nickname with the same secret is the same user. */
  signIn(nickname: string, secret: string): Promise<{ user: User; token: string }> {
    return this.#call("POST", "/api/users", {}, { nickname, secret });
  }

  createRoom(name: string): Promise<Room> {
    return this.#call("POST", "/api/rooms", {}, { name });
  }

  rooms(query: { after?: string; limit?: number; name?: string } = {}): Promise<{ rooms: Room[]; next: string | null }> {
    return this.#call("GET", "/api/rooms", query);
  }

  room(id: string): Promise<Room> {
    return this.#call("GET", `/api/rooms/${encodeURIComponent(id)}`);
  }

  members(id: string, query: { after?: string; limit?: number } = {}): Promise<{ members: User[]; next: string | null }> {
    return this.#call("GET", `/api/rooms/${encodeURIComponent(id)}/members`, query);
  }

  records(id: string, query: PageQuery = {}): Promise<Page> {
    return this.#call("GET", `/api/rooms/${encodeURIComponent(id)}/messages`, {
      before: query.before && positionText(query.before),
      after: query.after && positionText(query.after),
      limit: query.limit,
    });
  }

  async #call<Answer>(
    method: "GET" | "POST",
    path: string,
    query: Record<string, string | number | undefined> = {},
    body?: unknown,
  ): Promise<Answer> {
    const url = new URL(path, this.#options.url);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const headers: Record<string, string> = { Accept: "application/json" };
    const token = this.#options.token?.();
    if (token !== undefined) headers["Authorization"] = `Bearer ${token}`;
    const request: RequestInit = { method, headers };
    if (body !== undefined) {
      headers["Content-Type"] = "application/json";
      request.body = JSON.stringify(body);
    }

    const send = this.#options.fetch ?? fetch;
    const response = await send(url, request).catch(() => {
      throw Refusal.unreachable();
    });
    const answer: unknown = await response.json().catch(() => undefined);
    if (!response.ok) throw Refusal.fromProblem(response.status, answer);
    if (answer === undefined) throw Refusal.unreachable();
    return answer as Answer;
  }
}
