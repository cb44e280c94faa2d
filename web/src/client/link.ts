/**
 * One socket from its opening to its end: requests with their replies, heart-beats, pushes.
 * It never opens a second socket; coming back is the client's work.
 */
import type { Connected, ErrorFrame, Push, Replies, Request } from "./protocol";
import { Refusal } from "./refusal";

/** The part of the browser's WebSocket that is used; the `ws` package has it too. */
export interface SocketLike {
  onopen: ((event: never) => unknown) | null;
  onmessage: ((event: never) => unknown) | null;
  onclose: ((event: never) => unknown) | null;
  onerror: ((event: never) => unknown) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

export type Credentials = { token: string } | { nickname: string; secret?: string };

/** How a link ended. `retryAfterMs` is what the server asked for before it closed. */
export interface LinkEnd {
  code: number;
  reason: string;
  retryAfterMs: number;
}

export interface LinkHandler {
  connected(reply: Connected): void;
  /** The server answered `connect` with a refusal; the link is closed. */
  refused(refusal: Refusal): void;
  pushed(push: Push): void;
  ended(end: LinkEnd): void;
}

interface Waiting {
  resolve(reply: never): void;
  reject(refusal: Refusal): void;
}

/** A connection that has not answered `connect` by then is given up, in milliseconds. */
const OPENING_MS = 15_000;
/** A request that hears nothing for this long makes the link ask whether anybody is there. */
const DOUBT_MS = 5_000;
/** How long a doubted link may stay silent after its ping. */
const PROBE_MS = 5_000;
const TICK_MS = 1_000;
const ABNORMAL = 1006;

export class Link {
  readonly #socket: SocketLike;
  readonly #handler: LinkHandler;
  readonly #waiting = new Map<number, Waiting>();
  readonly #timer: ReturnType<typeof setInterval>;
  #nextId = 1;
  #heartbeatMs = 25_000;
  #heardAt = Date.now();
  /** When the link is dead unless something is heard before. */
  #deadline: number | undefined;
  #retryAfterMs = 0;
  #over = false;

  constructor(socket: SocketLike, credentials: Credentials, handler: LinkHandler) {
    this.#socket = socket;
    this.#handler = handler;
    this.#deadline = this.#heardAt + OPENING_MS;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    socket.onopen = () => void this.#introduce(credentials);
    socket.onmessage = (event: { data: unknown }) => this.#hear(event.data);
    socket.onclose = (event: { code: number; reason: string }) => this.#end(event.code, event.reason);
    // A close always follows, and says more.
    socket.onerror = () => undefined;
  }

  /** Sends a request; rejects with a `Refusal`, which is `unreachable` when the link ends first. */
  request<Kind extends Request["type"]>(frame: Extract<Request, { type: Kind }>): Promise<Replies[Kind]> {
    return new Promise((resolve, reject) => {
      if (this.#over) {
        reject(Refusal.unreachable());
        return;
      }
      const id = this.#nextId++;
      this.#waiting.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ id, ...frame }));
    });
  }

  /** Asks whether the other side is still there, and ends the link soon if it is not. */
  probe(): void {
    if (this.#over || this.#deadline !== undefined) return;
    this.#ping(PROBE_MS);
  }

  /** Ends the link; `ended` is not called. */
  close(): void {
    if (this.#over) return;
    this.#finish();
    this.#socket.close(1000);
  }

  async #introduce(credentials: Credentials): Promise<void> {
    try {
      const reply = await this.request<"connect">({ type: "connect", ...credentials });
      this.#heartbeatMs = reply.heartbeat_s * 1000;
      this.#handler.connected(reply);
    } catch (error) {
      if (this.#over || !(error instanceof Refusal)) return;
      this.close();
      this.#handler.refused(error);
    }
  }

  #hear(data: unknown): void {
    if (this.#over) return;
    this.#heardAt = Date.now();
    this.#deadline = undefined;
    const frame = parse(data);
    if (frame === undefined) return;
    if (typeof frame["id"] === "number") {
      this.#settle(frame["id"], frame);
      return;
    }
    if (frame["type"] === "closing") this.#retryAfterMs = Number(frame["retry_after_ms"] ?? 0);
    this.#handler.pushed(frame as unknown as Push);
  }

  #settle(id: number, frame: Record<string, unknown>): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    if (frame["type"] === "error") waiting.reject(Refusal.fromFrame(frame as unknown as ErrorFrame));
    else waiting.resolve(frame as never);
  }

  #tick(): void {
    const now = Date.now();
    if (this.#deadline !== undefined) {
      if (now >= this.#deadline) this.#abandon();
      return;
    }
    const silence = now - this.#heardAt;
    if (silence >= this.#heartbeatMs) this.#ping(this.#heartbeatMs);
    else if (this.#waiting.size > 0 && silence >= DOUBT_MS) this.#ping(PROBE_MS);
  }

  #ping(patienceMs: number): void {
    this.#deadline = Date.now() + patienceMs;
    this.#socket.send(JSON.stringify({ type: "ping" }));
  }

  /** The other side is gone without a word: do not wait for a close handshake nobody will answer. */
  #abandon(): void {
    this.#socket.close();
    this.#end(ABNORMAL, "silent for too long");
  }

  #end(code: number, reason: string): void {
    if (this.#over) return;
    this.#finish();
    this.#handler.ended({ code, reason, retryAfterMs: this.#retryAfterMs });
  }

  #finish(): void {
    this.#over = true;
    clearInterval(this.#timer);
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const one of waiting) one.reject(Refusal.unreachable());
  }
}

function parse(data: unknown): Record<string, unknown> | undefined {
  if (typeof data !== "string") return undefined;
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
