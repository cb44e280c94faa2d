/**
 * What changes about rooms, where nobody pushes it: the list is read again and again, and what is new in it is told.
 * It knows the newest rooms only; it follows none of them.
 */
import type { Api } from "./api";
import type { Push, Room } from "./protocol";
import { pause } from "./timing";

/** How often the list is read, in milliseconds, and how many of the newest rooms. */
const LIST_MS = 10_000;
const LISTED = 100;
/** Between two looks at how many members one room has, in milliseconds. */
const RECOUNT_MS = 1_000;

export class RoomWatch {
  readonly #api: Api;
  readonly #signal: AbortSignal;
  readonly #push: (push: Push) => void;
  readonly #recounting = new Set<string>();
  #watching = false;

  /** Nothing is pushed before `start`, nor once `signal` aborts. */
  constructor(api: Api, signal: AbortSignal, push: (push: Push) => void) {
    this.#api = api;
    this.#signal = signal;
    this.#push = push;
  }

  start(): void {
    if (this.#watching) return;
    this.#watching = true;
    void this.#watch();
  }

  tell(change: "created" | "changed", room: Room): void {
    if (this.#watching && !this.#signal.aborted) this.#push({ type: "room", change, room });
  }

  /** Somebody came or went: looks a little later how many members the room has now. */
  async recount(room: string): Promise<void> {
    if (!this.#watching || this.#recounting.has(room)) return;
    this.#recounting.add(room);
    await pause(RECOUNT_MS, this.#signal);
    this.#recounting.delete(room);
    const now = await this.#api.room(room).catch(ignore);
    if (now !== undefined) this.tell("changed", now);
  }

  async #watch(): Promise<void> {
    let known: ReadonlyMap<string, string> = new Map();
    while (!this.#signal.aborted) {
      const rooms = await this.#api.rooms({ limit: LISTED }).then((page) => page.rooms, ignore);
      // The newest stands first; told last it is the newest for the listener, too.
      for (const room of rooms?.toReversed() ?? []) {
        if (known.get(room.id) !== inShort(room)) this.tell(known.has(room.id) ? "changed" : "created", room);
      }
      if (rooms !== undefined) known = new Map(rooms.map((room) => [room.id, inShort(room)]));
      await pause(LIST_MS, this.#signal);
    }
  }
}

function inShort({ name, members }: Room): string {
  return `${members} ${name}`;
}

function ignore(): undefined {
  return undefined;
}
