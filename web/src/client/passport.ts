/**
 * What a client shows to say who it is: a token, and how to come by the next one.
 * However many ask at once, one token is asked for; it is kept in memory alone.
 */
import { asRefusal, Refusal } from "./refusal";

export interface Grant {
  token: string;
  /** How long it is good, in milliseconds; undefined where it does not end by itself. */
  lifeMs?: number | undefined;
}

/** Comes by a new token; rejects with a `Refusal`. */
export type Renew = () => Promise<Grant>;

/** A token is replaced when no more than this is left of it, in milliseconds, … */
const MARGIN_MS = 40_000;
/** … or than this part of its life, whichever is less. */
const MARGIN_PART = 0.3;

export class Passport {
  readonly #renew: Renew | undefined;
  #token: string | undefined;
  #endsAt = Number.POSITIVE_INFINITY;
  #marginMs = 0;
  #renewing: Promise<string> | undefined;

  /** Without `renew` the grant is all there will ever be. */
  constructor(grant: Grant | undefined, renew?: Renew) {
    if (grant !== undefined) this.#take(grant);
    this.#renew = renew;
  }

  /** The token in force, however little is left of it. */
  get token(): string | undefined {
    return this.#token;
  }

  /** How long the token can be relied on, in milliseconds. */
  get leftMs(): number {
    return this.#endsAt - this.#marginMs - Date.now();
  }

  get canRenew(): boolean {
    return this.#renew !== undefined;
  }

  /** A token that is good for a while, or the last there is where a new one cannot be had just now. */
  async fresh(): Promise<string | undefined> {
    if (this.#renew === undefined || (this.#token !== undefined && this.leftMs > 0)) return this.#token;
    try {
      return await this.#ask(this.#renew);
    } catch (error) {
      if (asRefusal(error).retry === "no" || Date.now() >= this.#endsAt || this.#token === undefined) throw error;
      return this.#token;
    }
  }

  /** Another token than this one, which the server does not take or soon will not. */
  async replace(worthless: string): Promise<string> {
    if (this.#token !== undefined && this.#token !== worthless && this.leftMs > 0) return this.#token;
    if (this.#renew === undefined) throw Refusal.unauthenticated();
    return this.#ask(this.#renew);
  }

  #ask(renew: Renew): Promise<string> {
    this.#renewing ??= renew()
      .then((grant) => this.#take(grant))
      .finally(() => {
        this.#renewing = undefined;
      });
    return this.#renewing;
  }

  #take({ token, lifeMs }: Grant): string {
    this.#token = token;
    this.#endsAt = lifeMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + lifeMs;
    this.#marginMs = lifeMs === undefined ? 0 : Math.min(MARGIN_MS, lifeMs * MARGIN_PART);
    return token;
  }
}
