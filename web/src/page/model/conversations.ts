/**
 * The rooms this person is in, and one conversation for each. Which they are the server knows; the device remembers
 * in which order they were entered, and which they are where the server is an older one.
 */
import { computed, effect, signal, untracked } from "@preact/signals";
import { Conversation } from "./conversation";
import { changeOwnRoom, forgetOwnRoom, knowsOwnRooms, ownRooms } from "./own-rooms";
import { currentRoom } from "./route";
import { session, type Session } from "./session";
import { load, save } from "./storage";

/** More rooms than this are not followed in the background; the one entered longest ago is dropped. */
const FOLLOWED = 30;

/** Rooms that were left or let go here: a list that lags behind must not bring them back, for opening one enters it. */
const letGo = new Set<string>();

/** What the device remembers and the server has not been asked about yet, newest last. */
let remembered: readonly string[] = [];

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
  letGo.add(id);
  remembered = remembered.filter((one) => one !== id);
  forgetOwnRoom(id);
  session.peek()?.client.part(id);
  const rest = new Map(conversations.value);
  rest.get(id)?.dispose();
  rest.delete(id);
  keep(rest);
}

effect(() => {
  const now = session.value;
  for (const conversation of untracked(() => conversations.value).values()) conversation.dispose();
  letGo.clear();
  remembered = now === undefined ? [] : (load("rooms", isIds) ?? []);
  conversations.value = new Map();
});

// Opening a room enters it, so nothing is opened that somebody has left elsewhere meanwhile: the server is asked first.
effect(() => {
  const now = session.value;
  const known = knowsOwnRooms.value;
  const own = ownRooms.value.map(({ id }) => id);
  if (now === undefined || known === undefined) return;
  untracked(() => {
    const before = conversations.value;
    const ids = known ? [...own.filter((id) => !remembered.includes(id)), ...remembered.filter((id) => own.includes(id))] : remembered;
    const wanted = ids.filter((id) => !letGo.has(id) && !before.has(id));
    const followed = new Set(wanted.slice(Math.max(0, wanted.length + before.size - FOLLOWED)));
    const listed = ids.filter((id) => followed.has(id) || before.has(id));
    const all = new Map(listed.map((id) => [id, before.get(id) ?? follow(now, id)] as const));
    for (const [id, conversation] of before) all.set(id, conversation);
    remembered = [];
    if (all.size > before.size) keep(all);
  });
});

effect(() => {
  const now = session.value;
  const id = currentRoom.value;
  if (now === undefined || id === undefined) return;
  const known = untracked(() => conversations.value);
  letGo.delete(id);
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
  let known = conversation.feed.room;
  conversation.feed.on("changed", () => {
    const { room } = conversation.feed;
    if (room !== undefined && room !== known) changeOwnRoom(room);
    known = room;
    // A room that is gone stays only where somebody is looking at it and can be told.
    const gone = conversation.feed.refusal?.code === "room_not_found";
    if (gone && currentRoom.peek() !== id) drop(id);
  });
  return conversation;
}

function keep(all: ReadonlyMap<string, Conversation>): void {
  conversations.value = all;
  save("rooms", [...remembered.filter((id) => !all.has(id)), ...all.keys()]);
}

function isIds(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
