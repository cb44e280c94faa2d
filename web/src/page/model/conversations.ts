/** The rooms this person is in: which they are (remembered on the device), and one conversation for each. */
import { computed, effect, signal, untracked } from "@preact/signals";
import { Conversation } from "./conversation";
import { currentRoom } from "./route";
import { session, type Session } from "./session";
import { load, save } from "./storage";

/** More rooms than this are not followed in the background; the one entered longest ago is dropped. */
const FOLLOWED = 30;

const conversations = signal<ReadonlyMap<string, Conversation>>(new Map());

/** Newest entered first. */
export const myConversations = computed(() => [...conversations.value.values()].toReversed());

export const current = computed(() => {
  const id = currentRoom.value;
  return id === undefined ? undefined : conversations.value.get(id);
});

/** Everything unread in all rooms. */
export const totalUnread = computed(() =>
  myConversations.value.reduce((sum, conversation) => sum + conversation.unread.value, 0),
);

/** Leaves a room for good. Rejects with a `Refusal`. */
export async function leaveRoom(id: string): Promise<void> {
  await session.value?.client.leave(id);
  drop(id);
}

/** Takes a room off the list, because it is gone or we are no member. */
export function drop(id: string): void {
  session.peek()?.client.part(id);
  const rest = new Map(conversations.value);
  rest.get(id)?.dispose();
  rest.delete(id);
  keep(rest);
}

effect(() => {
  const now = session.value;
  for (const conversation of untracked(() => conversations.value).values()) conversation.dispose();
  if (now === undefined) {
    conversations.value = new Map();
    return;
  }
  const ids = load("rooms", isIds) ?? [];
  conversations.value = new Map(ids.map((id) => [id, follow(now, id)]));
});

effect(() => {
  const now = session.value;
  const id = currentRoom.value;
  if (now === undefined || id === undefined) return;
  const known = untracked(() => conversations.value);
  if (known.has(id)) return;
  const all = new Map(known).set(id, follow(now, id));
  const oldest = [...all.keys()].slice(0, Math.max(0, all.size - FOLLOWED));
  for (const old of oldest) {
    all.get(old)?.dispose();
    all.delete(old);
    now.client.part(old);
  }
  keep(all);
});

const visible = signal(!document.hidden);
document.addEventListener("visibilitychange", () => {
  visible.value = !document.hidden;
});

// A page that nobody sees needs no room at once, and must not keep a connection from one that somebody does.
effect(() => {
  const client = session.value?.client;
  const attended = visible.value ? currentRoom.value : undefined;
  untracked(() => client?.attend(attended));
});

// A message that has not left yet would be lost with the page: ask before it closes.
addEventListener("beforeunload", (event) => {
  const waiting = myConversations.peek().some(({ outgoing }) => outgoing.some(({ state }) => state === "unsent"));
  if (waiting) event.preventDefault();
});

function follow(now: Session, id: string): Conversation {
  const conversation = new Conversation(now, id);
  conversation.feed.on("changed", () => {
    // A room that is gone stays only where somebody is looking at it and can be told.
    const gone = conversation.feed.refusal?.code === "room_not_found";
    if (gone && currentRoom.peek() !== id) drop(id);
  });
  return conversation;
}

function keep(all: ReadonlyMap<string, Conversation>): void {
  conversations.value = all;
  save("rooms", [...all.keys()]);
}

function isIds(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
