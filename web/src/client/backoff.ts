/**
 * How long to wait before the next attempt: exponential, capped, with jitter.
 * It only counts; whoever holds it does the waiting.
 */

export interface BackoffOptions {
  /** The first wait, in milliseconds. */
  baseMs?: number;
  /** No wait is longer, in milliseconds (unless the server asks for more). */
  capMs?: number;
  /** Numbers in [0, 1); a seam for tests. */
  random?: () => number;
}

export class Backoff {
  readonly #baseMs: number;
  readonly #capMs: number;
  readonly #random: () => number;
  #attempts = 0;

  constructor(options: BackoffOptions = {}) {
    this.#baseMs = options.baseMs ?? 500;
    this.#capMs = options.capMs ?? 30_000;
    this.#random = options.random ?? Math.random;
  }

  /** Attempts since the last `reset`. */
  get attempts(): number {
    return this.#attempts;
  }

  /** The next wait in milliseconds: between half and the whole of the step, and never less than `atLeastMs`. */
  next(atLeastMs = 0): number {
    const step = Math.min(this.#capMs, this.#baseMs * 2 ** this.#attempts);
    this.#attempts += 1;
    const jittered = step * (0.5 + this.#random() / 2);
    // A whole house that was told the same time must not come back in the same instant.
    const asked = atLeastMs > 0 ? atLeastMs + this.#random() * this.#baseMs : 0;
    return Math.round(Math.max(jittered, asked));
  }

  reset(): void {
    this.#attempts = 0;
  }
}
