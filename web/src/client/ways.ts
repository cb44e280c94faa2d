/**
 * The ways there are to be connected, which of them somebody chose, and which are worth trying now.
 * It is told what failed and what the time is; it neither connects nor waits.
 */

/** Best first: each is for where the one before does not get through. */
export const WAYS = ["socket", "events", "polling"] as const;
export type Way = (typeof WAYS)[number];
/** `auto`: the best that gets through. */
export type Choice = "auto" | Way;

/** So long a way that did not get through is not tried again, in milliseconds, unless it is the one chosen. */
const BARRED_MS = 5 * 60_000;
/** A way that is cut so often in a row, each time before it was steady, does not get through either. */
const SHORT_LIVES = 3;

export class Ways {
  #choice: Choice;
  readonly #barredUntil = new Map<Way, number>();
  /** Ways that carried something since they last failed to open. */
  readonly #proven = new Set<Way>();
  #shortLives = 0;

  constructor(choice: Choice) {
    this.#choice = choice;
  }

  get choice(): Choice {
    return this.#choice;
  }

  choose(choice: Choice): void {
    this.#choice = choice;
    this.forget();
  }

  /** The way to go now: the chosen one, else the best that is not barred. The last is plain HTTP, and never is. */
  best(now: number): Way {
    if (this.#choice !== "auto") return this.#choice;
    return WAYS.find((way) => !this.#isBarred(way, now)) ?? "polling";
  }

  /** The chosen way, where it does not get through; `auto` always finds another. */
  obstructed(now: number): Way | undefined {
    return this.#choice !== "auto" && this.#isBarred(this.#choice, now) ? this.#choice : undefined;
  }

  /** To be called when a link was cut before it was steady; true if that is too often to be chance. */
  cutShort(): boolean {
    this.#shortLives += 1;
    return this.#shortLives >= SHORT_LIVES;
  }

  /** A link has lasted. */
  steady(): void {
    this.#shortLives = 0;
  }

  /**
   * A way did not open, though the server can be reached. One that did before has the benefit of the doubt once: the
   * server may only just have come back.
   */
  failedToOpen(way: Way, now: number): void {
    if (!this.#proven.delete(way)) this.bar(way, now);
  }

  /** A way does not get through, though the server can be reached. */
  bar(way: Way, now: number): void {
    if (way !== "polling") this.#barredUntil.set(way, now + BARRED_MS);
    this.#shortLives = 0;
  }

  /** Something came over it after all. */
  heard(way: Way): void {
    this.#barredUntil.delete(way);
    this.#proven.add(way);
  }

  /** Another network is another path: whatever was barred may not be any more. */
  forget(): void {
    this.#barredUntil.clear();
    this.#proven.clear();
    this.#shortLives = 0;
  }

  #isBarred(way: Way, now: number): boolean {
    return (this.#barredUntil.get(way) ?? 0) > now;
  }
}
