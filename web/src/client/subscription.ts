/**
 * Brings one feed up to date over a link, again after each reconnect: first page, join, resume, missing ranges.
 * It opens nothing; the client starts it with whichever link is open.
 */
import type { Api, Page } from "./api";
import { Backoff } from "./backoff";
import type { Feed } from "./feed";
import type { Link } from "./link";
import type { Joined, Missing, Position } from "./protocol";
import { asRefusal, type Refusal } from "./refusal";
import { pause } from "./timing";

/** How many records one HTTP call asks for when a range is filled. */
const PAGE = 500;
/** A missing range above this starts the window anew at its newest end; the rest is there to be scrolled to. */
const LARGEST_FILL = 1000;

export class Subscription {
  readonly feed: Feed;
  readonly #api: Api;
  readonly #firstPage: number;
  #link: Link | undefined;
  #filling = false;
  /** Up to here the log is known to reach; own messages below it must be seen before they are sent again. */
  #caughtUpAt = Number.POSITIVE_INFINITY;

  constructor(feed: Feed, api: Api, firstPage: number) {
    this.feed = feed;
    this.#api = api;
    this.#firstPage = firstPage;
  }

  /** Whether everything that was in the log when the subscription was made is in the window. */
  get caughtUp(): boolean {
    return this.feed.state === "live" && (this.feed.position?.seq ?? 0) >= this.#caughtUpAt;
  }

  /** Subscribes over `link`, trying again while the server says `later` and the link lives. */
  async start(link: Link): Promise<void> {
    this.#link = link;
    const backoff = new Backoff();
    while (this.#link === link) {
      try {
        await this.#subscribe(link);
        return;
      } catch (error) {
        const refusal = asRefusal(error);
        if (this.#link !== link) return;
        if (refusal.retry === "no") {
          this.feed.change({ state: "refused", refusal });
          return;
        }
        await pause(backoff.next(refusal.retryAfterMs));
      }
    }
  }

  /** The link is gone; the window stays as it is. */
  stop(): void {
    this.#link = undefined;
    this.#caughtUpAt = Number.POSITIVE_INFINITY;
    if (this.feed.state === "live") this.feed.change({ state: "waiting" });
  }

  /** To be called after each push: a record that follows nothing shows a gap, which is then filled. */
  mend(): void {
    const position = this.feed.position;
    if (!this.feed.hasGap || this.#filling || position === undefined) return;
    void this.#fill(position, position.seq + 1);
  }

  /** Loads a page of what is before the window; false when there is no more. */
  async loadOlder(limit: number): Promise<boolean> {
    const epoch = this.feed.position?.epoch;
    if (epoch === undefined || !this.feed.hasOlder) return false;
    const page = await this.#api.records(this.feed.id, { before: { epoch, seq: this.feed.firstSeq }, limit });
    if (this.feed.position?.epoch !== epoch) return false;
    this.feed.prepend(page.records);
    return page.records.length > 0 && this.feed.hasOlder;
  }

  async #subscribe(link: Link): Promise<void> {
    if (this.feed.position === undefined) {
      const page = await this.#newestPage();
      this.feed.begin(page.records, page.position);
    }
    const after = this.feed.position as Position;
    this.feed.hold();
    try {
      const joined = await link.join(this.feed.id, after);
      if (this.#link !== link) return;
      this.#caughtUpAt = joined.position.seq;
      if (joined.recovered === false) this.#restart(joined, after);
      this.feed.change({ room: joined.room, state: "live", refusal: undefined, partedCode: undefined });
    } finally {
      this.feed.release();
    }
    this.mend();
  }

  /** Who may enter a room that is not open to all reads nothing of it before. */
  async #newestPage(): Promise<Page> {
    const query = { limit: this.#firstPage };
    try {
      return await this.#api.records(this.feed.id, query);
    } catch (error) {
      if (asRefusal(error).code !== "not_a_member") throw error;
      await this.#api.join(this.feed.id);
      return this.#api.records(this.feed.id, query);
    }
  }

  /** The server could not honour our position: fetch what is missing, or begin anew where that is too much. */
  #restart(joined: Omit<Joined, "type">, after: Position): void {
    const missing: Missing = joined.missing ?? { from: 1, to: joined.position.seq };
    const continues =
      joined.position.epoch === after.epoch &&
      after.seq <= missing.to &&
      missing.from <= after.seq + 1 &&
      missing.to - after.seq <= LARGEST_FILL;
    if (continues) {
      void this.#fill(after, missing.to);
      return;
    }
    this.feed.reset();
    void this.#beginAt({ epoch: joined.position.epoch, seq: missing.to });
  }

  /** Fetches what follows `from` until `to` is reached, or until the position turns out to be lost. */
  async #fill(from: Position, to: number): Promise<void> {
    this.#filling = true;
    await this.#persist(async () => {
      for (;;) {
        const position = this.feed.position ?? from;
        if (position.seq >= to) return;
        const page = await this.#api.records(this.feed.id, { after: position, limit: PAGE });
        this.feed.accept(page.records);
        if ((this.feed.position?.seq ?? 0) <= position.seq) throw new LostRange();
      }
    });
    this.#filling = false;
    this.mend();
  }

  /** Begins the window anew with the page that ends at `end`. */
  async #beginAt(end: Position): Promise<void> {
    await this.#persist(async () => {
      if (end.seq === 0) {
        this.feed.begin([], end);
        return;
      }
      const before = { epoch: end.epoch, seq: end.seq + 1 };
      const page = await this.#api.records(this.feed.id, { before, limit: this.#firstPage });
      this.feed.begin(page.records, page.records.length > 0 ? page.position : end);
    });
    this.mend();
  }

  /** Runs `work` until it succeeds, the link is gone, or the range turns out not to be there any more. */
  async #persist(work: () => Promise<void>): Promise<void> {
    const link = this.#link;
    const backoff = new Backoff();
    if (link === undefined) return;
    while (this.#link === link) {
      try {
        await work();
        return;
      } catch (error) {
        if (error instanceof LostRange || isLost(asRefusal(error))) {
          this.feed.reset();
          void this.start(link);
          return;
        }
        await pause(backoff.next(asRefusal(error).retryAfterMs));
      }
    }
  }
}

/** A page that should have continued the window did not. */
class LostRange extends Error {}

function isLost(refusal: Refusal): boolean {
  return refusal.code === "position_lost";
}
