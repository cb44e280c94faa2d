/**
 * How a call over HTTP is made: where to, as whom, how long it may take, and what its answer means.
 * It knows no single call. Each rejects with a `Refusal`: `unreachable` where no answer came in time, or the caller's
 * signal called it off. A token that turned out worthless is replaced once; nothing else is tried again.
 */
import type { Passport } from "./passport";
import { Refusal } from "./refusal";
import { Deadline } from "./timing";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface Call {
  query?: Record<string, string | number | undefined>;
  body?: unknown;
  signal?: AbortSignal | undefined;
  /** How long an answer may take, in milliseconds. */
  patienceMs?: number;
}

export interface CallerOptions {
  /** Where the server is, for instance `https://chat.example.org`. */
  url: string;
  /** Who calls; nobody in particular without it. */
  passport?: Passport | undefined;
  fetch?: typeof fetch | undefined;
  /** Calls off everything that is under way, and whatever is asked later. */
  signal?: AbortSignal | undefined;
}

/** How long an answer may take that is not held, in milliseconds. */
export const PATIENCE_MS = 15_000;

export class Caller {
  readonly #options: CallerOptions;

  constructor(options: CallerOptions) {
    this.#options = options;
  }

  /** The same, for as long as `signal` lets it. */
  until(signal: AbortSignal): Caller {
    return new Caller({ ...this.#options, signal });
  }

  /** How long the token of a call that is made now can be relied on, in milliseconds. */
  get tokenLeftMs(): number {
    return this.#options.passport?.leftMs ?? Number.POSITIVE_INFINITY;
  }

  async call<Answer>(method: Method, path: string, call: Call = {}): Promise<Answer> {
    const deadline = new Deadline(call.patienceMs ?? PATIENCE_MS, call.signal ?? this.#options.signal);
    try {
      const response = await this.#authorized(method, path, call, deadline.signal, "application/json");
      if (response.status === 204) return undefined as Answer;
      const answer = await parsed(response);
      if (answer === undefined) throw Refusal.unreachable();
      return answer as Answer;
    } finally {
      deadline.end();
    }
  }

  /** The body of an answer that goes on. The signal is all that ends it from here. */
  async stream(path: string, query: Call["query"], signal: AbortSignal): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const { body } = await this.#authorized("GET", path, { query: query ?? {} }, signal, "text/event-stream");
    if (body === null) throw Refusal.unreachable();
    return body;
  }

  /** An answer that is no refusal. */
  async #authorized(method: Method, path: string, call: Call, signal: AbortSignal, accept: string): Promise<Response> {
    const { passport } = this.#options;
    const token = await passport?.fresh();
    try {
      return await this.#send(method, path, call, signal, accept, token);
    } catch (error) {
      const worthless = error instanceof Refusal && error.code === "unauthenticated" && passport?.canRenew === true;
      if (!worthless || token === undefined || signal.aborted) throw error;
      return this.#send(method, path, call, signal, accept, await passport.replace(token));
    }
  }

  async #send(
    method: Method,
    path: string,
    call: Call,
    signal: AbortSignal,
    accept: string,
    token: string | undefined,
  ): Promise<Response> {
    const url = new URL(path, this.#options.url);
    for (const [name, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const headers: Record<string, string> = { Accept: accept };
    if (token !== undefined) headers["Authorization"] = `Bearer ${token}`;
    const request: RequestInit = { method, headers, signal };
    if (call.body !== undefined) {
      headers["Content-Type"] = "application/json";
      request.body = JSON.stringify(call.body);
    }
    const send = this.#options.fetch ?? fetch;
    const response = await send(url, request).catch(() => {
      throw Refusal.unreachable();
    });
    if (!response.ok) throw Refusal.fromProblem(response.status, await parsed(response));
    return response;
  }
}

function parsed(response: Response): Promise<unknown> {
  return response.json().catch(() => undefined);
}
