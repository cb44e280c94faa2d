/**
 * What one connection is to those above it: from its opening to its end, whichever way it goes.
 * It never opens itself a second time; coming back is the connection's work, and who is in which room the client's.
 */
import type { Ack, Joined, Position, Push, User } from "./protocol";
import type { Refusal } from "./refusal";

/**
 * Calls reject with a `Refusal`, which is `unreachable` when the link ends first: then the other side may have done
 * what it was asked, or not. What they bring about (records above all) comes by `pushed`, in no order to the answers.
 */
export interface Link {
  /** Becomes a member and follows the room: all that is after `after`, then whatever happens. Again means anew. */
  join(room: string, after: Position): Promise<Omit<Joined, "type">>;
  /** Follows the room no more. */
  part(room: string): void;
  /** Is no member any more; an own `left` record is not pushed. */
  leave(room: string): Promise<void>;
  /** Resolves once the message is durable. The same `clientId` makes no second record. */
  send(room: string, body: string, clientId: string): Promise<Pick<Ack, "seq">>;
  /** Pushes `room` when rooms are made or changed, from now on. */
  watchRooms(): void;
  /** Of the rooms that are followed this one has somebody's eyes on it: where not all can be prompt, it must be. */
  attend(room: string | undefined): void;
  /** Asks whether the other side is still there, and ends the link soon if it is not. */
  probe(): void;
  /** Ends the link and whatever is under way; the handler hears nothing more. */
  close(): void;
}

export interface LinkHandler {
  /** The server knows who we are. Once, and before any push. */
  connected(user: User): void;
  /** The server would not have us; the link is closed. */
  refused(refusal: Refusal): void;
  /** What makes this way what it is works: something came over it. */
  heard(): void;
  pushed(push: Push): void;
  ended(end: LinkEnd): void;
}

/** How a link ended. */
export interface LinkEnd {
  /** As a socket would say it (`codes.ts`), whatever the way. */
  code: number;
  reason: string;
  /** What the server asked for before it ended the link. */
  retryAfterMs: number;
  /** It never came about: something between here and the server may not let this way through. */
  barred: boolean;
}

/** The code of a link that ended without a word. */
export const ABNORMAL = 1006;

/** A way that has carried nothing by then is given up, in milliseconds. */
export const OPENING_MS = 8_000;
