/**
 * The connection: one link after another, so that there is always one, on the best way that gets through.
 * It knows who connects and over which ways; not what is said there.
 */
import type { Api } from "./api";
import { Backoff, type BackoffOptions } from "./backoff";
import { closeName, mayReconnect } from "./codes";
import { Emitter } from "./emitter";
import { ABNORMAL, type Link, type LinkEnd, type LinkHandler } from "./link";
import type { Passport } from "./passport";
import type { Push, User } from "./protocol";
import { asRefusal, Refusal } from "./refusal";
import { Ways, type Choice, type Way } from "./ways";

/**
 * `idle`: not started; `connecting`; `connected`, by `way`; `waiting`: for the next attempt, at `retryAt`;
 * `failed`: given up, somebody has to change something. `obstructed`: the way that was chosen does not get through,
 * though the server can be reached; it is tried again, but another choice would serve better.
 */
export type ConnectionState =
  | { phase: "idle" }
  | { phase: "connecting"; obstructed: Way | undefined }
  | { phase: "connected"; way: Way; obstructed: Way | undefined }
  | { phase: "waiting"; retryAt: number; reason: string; obstructed: Way | undefined }
  | { phase: "failed"; code: string; reason: string };

interface ConnectionEvents {
  state: ConnectionState;
  /** There is a link, and the server knows who we are. */
  up: User;
  /** The link that was there is gone. */
  down: undefined;
  pushed: Push;
}

interface ConnectionOptions {
  api: Api;
  passport: Passport;
  choice: Choice;
  open: (way: Way, token: string, handler: LinkHandler) => Link;
  backoff?: BackoffOptions | undefined;
}

/** A connection that lived this long, in milliseconds, counts as good: the next wait starts small again. */
const STEADY_MS = 10_000;

export class Connection extends Emitter<ConnectionEvents> {
  readonly #options: ConnectionOptions;
  readonly #passport: Passport;
  readonly #ways: Ways;
  readonly #backoff: Backoff;
  #state: ConnectionState = { phase: "idle" };
  #way: Way = "socket";
  /** The one the link was opened with. */
  #token: string | undefined;
  /** A new token was asked for, and has not got us in yet. */
  #renewed = false;
  #link: Link | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #steadyTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ConnectionOptions) {
    super();
    this.#options = options;
    this.#passport = options.passport;
    this.#ways = new Ways(options.choice);
    this.#backoff = new Backoff(options.backoff);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** The link, while we are connected. */
  get link(): Link | undefined {
    return this.#state.phase === "connected" ? this.#link : undefined;
  }

  get choice(): Choice {
    return this.#ways.choice;
  }

  start(): void {
    if (this.#state.phase === "idle" || this.#state.phase === "failed") this.#connect();
  }

  stop(): void {
    this.#dropLink();
    this.#enter({ phase: "idle" });
  }

  /** Somebody wants to know now rather than later: tries again, or makes sure that the other side is there. */
  poke(): void {
    const { phase } = this.#state;
    const better = phase === "connected" && this.#ways.best(Date.now()) !== this.#way;
    if (phase === "waiting" || better) this.#connect();
    else this.#link?.probe();
  }

  /** The network is another one: what did not get through may do so now. */
  networkChanged(): void {
    this.#ways.forget();
    this.poke();
  }

  choose(choice: Choice): void {
    if (choice === this.#ways.choice) return;
    this.#ways.choose(choice);
    const { phase } = this.#state;
    if (phase === "idle" || phase === "failed") return;
    this.#backoff.reset();
    this.#connect();
  }

  #connect(): void {
    this.#dropLink();
    this.#way = this.#ways.best(Date.now());
    void this.#openWith(() => this.#passport.fresh());
  }

  /** Opens a link as soon as there is a token to show. */
  async #openWith(come: () => Promise<string | undefined>): Promise<void> {
    const asked: ConnectionState = { phase: "connecting", obstructed: this.#obstructed() };
    this.#enter(asked);
    try {
      const token = await come();
      if (token === undefined) throw Refusal.unauthenticated();
      if (this.#state === asked) this.#open(token);
    } catch (error) {
      if (this.#state === asked) this.#giveUpOrWait(asRefusal(error));
    }
  }

  #open(token: string): void {
    this.#token = token;
    try {
      this.#link = this.#options.open(this.#way, token, {
        connected: (user) => this.#welcome(user),
        refused: (refusal) => this.#refused(refusal),
        heard: () => this.#heard(),
        pushed: (push) => this.emit("pushed", push),
        ended: (end) => this.#ended(end),
      });
    } catch {
      // A browser may forbid this way altogether.
      this.#ended({ code: ABNORMAL, reason: "", retryAfterMs: 0, barred: true });
    }
  }

  #welcome(user: User): void {
    this.#renewed = false;
    this.#steadyTimer = setTimeout(() => {
      this.#steadyTimer = undefined;
      this.#backoff.reset();
      this.#ways.steady();
    }, STEADY_MS);
    this.#enter({ phase: "connected", way: this.#way, obstructed: this.#obstructed() });
    this.emit("up", user);
  }

  #heard(): void {
    this.#ways.heard(this.#way);
    if (this.#state.phase === "connected" && this.#state.obstructed !== undefined) {
      this.#enter({ phase: "connected", way: this.#way, obstructed: undefined });
    }
  }

  #refused(refusal: Refusal): void {
    this.#dropLink();
    if (refusal.code === "unauthenticated" && this.#replaceToken()) return;
    this.#giveUpOrWait(refusal);
  }

  #giveUpOrWait(refusal: Refusal): void {
    if (refusal.retry === "no") this.#enter({ phase: "failed", code: refusal.code, reason: refusal.message });
    else this.#wait(refusal.message, refusal.retryAfterMs);
  }

  #ended(end: LinkEnd): void {
    const cutShort = this.#steadyTimer !== undefined && end.code === ABNORMAL;
    this.#dropLink();
    const name = closeName(end.code);
    if (name === "unauthenticated" && this.#replaceToken()) return;
    if (!mayReconnect(end.code)) {
      this.#enter({ phase: "failed", code: name, reason: end.reason });
      return;
    }
    if (end.barred || (cutShort && this.#ways.cutShort())) void this.#judge(end);
    else this.#wait(end.reason === "" ? name : end.reason, end.retryAfterMs);
  }

  /** A way failed that something between may not let through. It is that only if the server can be reached otherwise. */
  async #judge(end: LinkEnd): Promise<void> {
    const asked: ConnectionState = { phase: "connecting", obstructed: this.#obstructed() };
    this.#enter(asked);
    const reached = await this.#options.api.rooms({ limit: 1 }).then(
      () => true,
      () => false,
    );
    if (this.#state !== asked) return;
    if (reached && end.barred) this.#ways.failedToOpen(this.#way, Date.now());
    else if (reached) this.#ways.bar(this.#way, Date.now());
    if (this.#ways.best(Date.now()) === this.#way) this.#wait(end.reason, end.retryAfterMs);
    else this.#connect();
  }

  /** A token can become worthless while another can be had; true if that is being tried. */
  #replaceToken(): boolean {
    const worthless = this.#token;
    if (worthless === undefined || !this.#passport.canRenew || this.#renewed) return false;
    this.#renewed = true;
    void this.#openWith(() => this.#passport.replace(worthless));
    return true;
  }

  #wait(reason: string, atLeastMs = 0): void {
    const ms = this.#backoff.next(atLeastMs);
    this.#enter({ phase: "waiting", retryAt: Date.now() + ms, reason, obstructed: this.#obstructed() });
    this.#retryTimer = setTimeout(() => this.#connect(), ms);
  }

  #dropLink(): void {
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#steadyTimer);
    this.#steadyTimer = undefined;
    this.#link?.close();
    this.#link = undefined;
    this.emit("down", undefined);
  }

  #obstructed(): Way | undefined {
    return this.#ways.obstructed(Date.now());
  }

  #enter(state: ConnectionState): void {
    this.#state = state;
    this.emit("state", state);
  }
}
