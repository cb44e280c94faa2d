/**
 * How one room is followed over HTTP as it happens: by a stream of server-sent events, or by answers that are held.
 * Each goes on until it is called off, and throws a `Refusal` when it cannot; what then is the link's to say.
 */
import type { Api } from "./api";
import { Backoff } from "./backoff";
import { EventStream, type StreamEvent } from "./event-stream";
import { OPENING_MS } from "./link";
import type { Missing, Position, RoomRecord } from "./protocol";
import { asRefusal, Refusal } from "./refusal";
import { Deadline, pause } from "./timing";

export interface Followed {
  api: Api;
  room: string;
  /** The place after which records are wanted; `take` moves it on. */
  position: () => Position;
  take: (records: RoomRecord[]) => void;
  /** Something came over this very way. */
  heard: () => void;
  signal: AbortSignal;
}

/** Rejects with a `Refusal`: `barred` where the way itself did not open, `position_lost`, or what the server said. */
export type Follow = (room: Followed) => Promise<void>;

/** How many records one answer brings at most. */
export const PAGE = 500;
/** Seconds for which the server is asked to hold an answer; proxies often wait for 30 or 60. */
const WAIT_S = 25;
/** An answer without records that came sooner, in milliseconds, was not held. */
const HELD_MS = 1_000;
/** The server writes at least a comment every 25 s; a stream silent for this long is opened anew, in milliseconds. */
const SILENCE_MS = 60_000;
/** No stream is opened anew sooner than this, in milliseconds. */
const LEAST_MS = 1_000;

export const followByPolling: Follow = async ({ api, room, position, take, heard, signal }) => {
  const backoff = new Backoff();
  while (!signal.aborted) {
    const askedAt = Date.now();
    const { records } = await api.records(room, { after: position(), limit: PAGE, wait: WAIT_S }, signal);
    if (signal.aborted) return;
    heard();
    take(records);
    if (records.length > 0) backoff.reset();
    // The server is letting its readers go, or something between does not wait: ask no faster for that.
    else if (Date.now() - askedAt < HELD_MS) await pause(backoff.next(), signal);
  }
};

/**
 * Reads the stream itself rather than by the browser's `EventSource`, which shows neither what the server refused
 * with nor its heart-beats, and so cannot tell a quiet room from a dead connection.
 */
export const followByEvents: Follow = async (followed) => {
  while (!followed.signal.aborted) await readStream(followed);
};

/** Returns when the stream fell silent or its token is about to end, so that it can be opened anew. */
async function readStream({ api, room, position, take, heard, signal }: Followed): Promise<void> {
  const deadline = new Deadline(OPENING_MS, signal);
  const events = new EventStream();
  let opened = false;
  try {
    const body = await api.events(room, position(), deadline.signal);
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (signal.aborted) return;
      if (done) throw Refusal.unreachable();
      const arrived = events.take(value);
      if (!opened && arrived.some(isHonoured)) {
        opened = true;
        heard();
      }
      // A stream is let go before its token ends, and opened anew with the next one.
      if (opened) deadline.extend(Math.min(SILENCE_MS, Math.max(LEAST_MS, api.caller.tokenLeftMs)));
      take(arrived.filter(({ name }) => name === "record").map(({ data }) => JSON.parse(data) as RoomRecord));
    }
  } catch (error) {
    const refusal = asRefusal(error);
    const unanswered = refusal.code === "unreachable";
    if (signal.aborted || (opened && unanswered && deadline.signal.aborted)) return;
    throw unanswered && !opened ? Refusal.barred() : refusal;
  } finally {
    deadline.end();
  }
}

/** Whether this is the greeting of the stream; throws where it says that the position is lost. */
function isHonoured({ name, data }: StreamEvent): boolean {
  if (name !== "joined") return false;
  const { recovered, missing, head } = JSON.parse(data) as { recovered?: boolean; missing?: Missing; head: Position };
  if (recovered === false) throw Refusal.lost(head, missing);
  return true;
}
