/** Waiting that can be called off. */

/** Waits, but not longer than until `signal` aborts. Never rejects. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    signal?.addEventListener("abort", over);
    if (signal?.aborted === true) over();
  });
}

/** A signal that aborts when time is over, or when the signal above it does, or at its end, which must be told. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #above: AbortSignal | undefined;
  readonly #abort = () => this.#controller.abort();
  #timer: ReturnType<typeof setTimeout>;

  constructor(ms: number, above?: AbortSignal) {
    this.#above = above;
    this.#timer = setTimeout(this.#abort, ms);
    above?.addEventListener("abort", this.#abort);
    if (above?.aborted === true) this.#abort();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Starts the time anew. */
  extend(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#abort, ms);
  }

  end(): void {
    this.#abort();
    clearTimeout(this.#timer);
    this.#above?.removeEventListener("abort", this.#abort);
  }
}
