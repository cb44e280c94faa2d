/** The list of all rooms, live: loaded by pages, kept up to date by the socket, searched where it stands. */
import { computed, effect, signal } from "@preact/signals";
import { asRefusal, type KlatschClient, type Room, type RoomChange, type Visibility } from "../../client";
import { addOwnRoom, changeOwnRoom, forgetOwnRoom } from "./own-rooms";
import { session } from "./session";

const PAGE = 100;
/** A search loads further pages up to this many rooms, so that it finds more than what was on screen. */
const SEARCHED = 2000;

export const rooms = signal<readonly Room[]>([]);
export const roomsState = signal<"loading" | "ready" | "failed">("loading");
export const query = signal("");
const next = signal<string | null>(null);

export const hasMoreRooms = computed(() => next.value !== null);

export const foundRooms = computed(() => {
  const wanted = query.value;
  return rooms.value.filter((room) => matches(room.name, wanted));
});

/** Whether a search for `wanted` finds what is called so; a search for nothing finds everything. */
export function matches(name: string, wanted: string): boolean {
  return fold(name).includes(fold(wanted));
}

/** Makes a room. Rejects with a `Refusal`; `room_name_taken` brings the room that has the name. */
export async function makeRoom(client: KlatschClient, name: string, visibility?: Visibility): Promise<Room> {
  const room = await client.api.createRoom(name, visibility);
  if (isListed(room)) put(room);
  else addOwnRoom(room);
  return room;
}

export async function loadRooms(client: KlatschClient): Promise<void> {
  try {
    const page = await client.api.rooms({ limit: PAGE });
    rooms.value = page.rooms;
    next.value = page.next;
    roomsState.value = "ready";
  } catch {
    if (rooms.value.length === 0) roomsState.value = "failed";
  }
}

export async function loadMoreRooms(client: KlatschClient): Promise<void> {
  const after = next.value;
  if (after === null) return;
  const page = await client.api.rooms({ limit: 500, after });
  if (next.value !== after) return;
  next.value = page.next;
  append(page.rooms);
}

/** What one search asks of the server; its outcome stands in `rooms`. */
async function search(client: KlatschClient, wanted: string, live: () => boolean): Promise<void> {
  const exact = await client.api.rooms({ name: wanted });
  if (!live()) return;
  append(exact.rooms);
  while (live() && next.value !== null && rooms.value.length < SEARCHED) await loadMoreRooms(client);
}

effect(() => {
  const client = session.value?.client;
  rooms.value = [];
  next.value = null;
  roomsState.value = "loading";
  if (client === undefined) return undefined;
  client.watchRooms();
  const stops = [
    client.on("connected", () => void loadRooms(client)),
    client.on("room", ({ change, room }) => changed(change, room)),
  ];
  return () => {
    for (const stop of stops) stop();
  };
});

effect(() => {
  const client = session.value?.client;
  const wanted = query.value.trim();
  if (client === undefined || wanted === "") return undefined;
  let live = true;
  const timer = setTimeout(() => {
    // A search that cannot ask the server still searches what is here.
    search(client, wanted, () => live).catch(asRefusal);
  }, 250);
  return () => {
    live = false;
    clearTimeout(timer);
  };
});

function changed(change: RoomChange, room: Room): void {
  changeOwnRoom(room);
  if (change === "closed" || room.closed === true) {
    rooms.value = rooms.value.filter((one) => one.id !== room.id);
    forgetOwnRoom(room.id);
  } else if (isListed(room)) put(room);
}

function isListed({ visibility }: Room): boolean {
  return visibility === undefined || visibility === "public";
}

/** Replaces a room where it stands; a new one comes first, as in the server's order. */
function put(room: Room): void {
  const known = rooms.value.some((one) => one.id === room.id);
  rooms.value = known ? rooms.value.map((one) => (one.id === room.id ? room : one)) : [room, ...rooms.value];
}

function append(more: readonly Room[]): void {
  const known = new Set(rooms.value.map((one) => one.id));
  rooms.value = [...rooms.value, ...more.filter((one) => !known.has(one.id))];
}

function fold(text: string): string {
  return text.normalize("NFKC").toLocaleLowerCase().trim();
}
