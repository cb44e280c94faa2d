/**
 * What a screen reader is told. Messages are gathered, so that a busy room is summed up rather than read in full.
 */
import { signal } from "@preact/signals";
import { isMessage, type RoomRecord } from "../../client";
import { words } from "../i18n";

/** Between two announcements of messages, in milliseconds. */
const PAUSE_MS = 3_000;
const LONGEST = 200;

/** The text of the live region. */
export const announcement = signal("");

let gathered: RoomRecord[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;

export function announce(text: string): void {
  // The same text twice must still be heard: a no-break space makes it another one.
  announcement.value = announcement.value === text ? `${text}\u00a0` : text;
}

/** Announces new messages: the first at once, then at most one announcement per pause. */
export function announceMessages(records: readonly RoomRecord[]): void {
  gathered.push(...records);
  if (timer !== undefined) return;
  speak();
  timer = setTimeout(afterPause, PAUSE_MS);
}

function afterPause(): void {
  timer = undefined;
  if (gathered.length === 0) return;
  speak();
  timer = setTimeout(afterPause, PAUSE_MS);
}

function speak(): void {
  const [only] = gathered;
  if (gathered.length === 1 && only !== undefined && isMessage(only)) {
    announce(words.value.announced(only.sender.nickname, only.body.slice(0, LONGEST)));
  } else if (gathered.length > 1) {
    announce(words.value.announcedMany(gathered.length));
  }
  gathered = [];
}
