/**
 * A link over the native WebSocket: requests with their replies, heart-beats, pushes.
 */
import { ABNORMAL, OPENING_MS, type Link, type LinkHandler } from "./link";
import type { Passport } from "./passport";
import type { Ack, ErrorFrame, Joined, Position, Push, Replies, Request } from "./protocol";
import { asRefusal, Refusal } from "./refusal";
import { pause } from "./timing";

/** The part of the browser's WebSocket that is used; the `ws` package has it too. */
export interface SocketLike {
  onopen: ((event: never) => unknown) | null;
  onmessage: ((event: never) => unknown) | null;
  onclose: ((event: never) => unknown) | null;
  onerror: ((event: never) => unknown) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

interface Waiting {
  resolve(reply: never): void;
  reject(refusal: Refusal): void;
}

/** A request that hears nothing for this long makes the link ask whether anybody is there. */
const DOUBT_MS = 5_000;
/** How long a doubted link may stay silent after its ping. */
const PROBE_MS = 5_000;
const TICK_MS = 1_000;
/** After this, in milliseconds, a token that could not be had is asked for again. */
const REFRESH_AGAIN_MS = 2_000;

export class SocketLink implements Link {
  readonly #socket: SocketLike;
  readonly #passport: Passport;
  readonly #handler: LinkHandler;
  readonly #waiting = new Map<number, Waiting>();
  readonly #timer: ReturnType<typeof setInterval>;
  #nextId = 1;
  #heartbeatMs = 25_000;
  #heardAt = Date.now();
  /** When the link is dead unless something is heard before. */
  #deadline: number | undefined;
  #retryAfterMs = 0;
  /** What the server knows us by. */
  #token: string;
  #connected = false;
  #over = false;

  constructor(socket: SocketLike, token: string, passport: Passport, handler: LinkHandler) {
    this.#socket = socket;
    this.#token = token;
    this.#passport = passport;
    this.#handler = handler;
    this.#deadline = this.#heardAt + OPENING_MS;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    socket.onopen = () => void this.#introduce();
    socket.onmessage = (event: { data: unknown }) => this.#hear(event.data);
    socket.onclose = (event: { code: number; reason: string }) => this.#end(event.code, event.reason);
    // A close always follows, and says more.
    socket.onerror = () => undefined;
  }

  join(room: string, after: Position): Promise<Joined> {
    return this.#request<"join">({ type: "join", room, after });
  }

  part(room: string): void {
    this.#request<"part">({ type: "part", room }).catch(ignore);
  }

  async leave(room: string): Promise<void> {
    await this.#request<"leave">({ type: "leave", room });
  }

  send(room: string, body: string, clientId: string): Promise<Ack> {
    return this.#request<"send">({ type: "send", room, body, client_id: clientId });
  }

  watchRooms(): void {
    this.#request<"watch">({ type: "watch", what: "rooms" }).catch(ignore);
  }

  /** All rooms are prompt here. */
  attend(): void {}

  probe(): void {
    if (this.#over || this.#deadline !== undefined) return;
    this.#ping(PROBE_MS);
  }

  close(): void {
    if (this.#over) return;
    this.#finish();
    this.#socket.close(1000);
  }

  /** Sends a request; rejects with a `Refusal`. */
  #request<Kind extends Request["type"]>(frame: Extract<Request, { type: Kind }>): Promise<Replies[Kind]> {
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

  async #introduce(): Promise<void> {
    try {
      const reply = await this.#request<"connect">({ type: "connect", token: this.#token });
      this.#heartbeatMs = reply.heartbeat_s * 1000;
      this.#connected = true;
      this.#handler.heard();
      this.#handler.connected(reply.user);
    } catch (error) {
      if (this.#over || !(error instanceof Refusal)) return;
      this.close();
      this.#handler.refused(error);
    }
  }

  /** Shows a new token in time; without one the server ends the link, and says why. */
  async #refresh(until: number): Promise<void> {
    while (!this.#over) {
      try {
        const token = await this.#passport.replace(this.#token);
        await this.#request<"refresh">({ type: "refresh", token });
        this.#token = token;
        return;
      } catch (error) {
        const { retry, retryAfterMs } = asRefusal(error);
        const waitMs = retryAfterMs ?? REFRESH_AGAIN_MS;
        if (retry === "no" || Date.now() + waitMs > until) return;
        await pause(waitMs);
      }
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
    if (frame["type"] === "refresh") {
      void this.#refresh(Date.now() + Number(frame["within_s"] ?? 0) * 1000);
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
    const barred = !this.#connected && code === ABNORMAL;
    this.#handler.ended({ code, reason, retryAfterMs: this.#retryAfterMs, barred });
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

function ignore(): void {}
