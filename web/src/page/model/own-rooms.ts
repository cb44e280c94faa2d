/**
 * The rooms one is a member of as the server knows them, private and direct ones too, and those one is invited to.
 * Nothing is pushed about them, so they are asked for: on each connection, on coming back, and now and then.
 */
import { computed, effect, signal } from "@preact/signals";
import { asRefusal, type KlatschClient, type OwnRoom, type Room } from "../../client";
import { acceptLink, myInvitations, uninvite } from "../../client/invitations";
import { dropInvitation, invitation } from "./arrival";
import { tell } from "./notice";
import { explain } from "./refusals";
import { goToRoom } from "./route";
import { connection, me, session } from "./session";

/** Between two looks, in milliseconds, while somebody sees the page. */
const LOOK_MS = 10_000;
const LISTED = 500;

export const ownRooms = signal<readonly OwnRoom[]>([]);
export const invitations = signal<readonly Room[]>([]);
const asked = signal<{ client: KlatschClient; known: boolean } | undefined>(undefined);
/** Whether the server knows of all this; undefined until it has been asked. */
export const knowsOwnRooms = computed(() => (asked.value?.client === session.value?.client ? asked.value?.known : undefined));
/** Grows with each change that was made here, which an answer that was under way does not know of. */
let changes = 0;

/** Looks now: something was done that changes these lists. */
export function lookAgain(): void {
  const client = session.peek()?.client;
  if (client !== undefined) void look(client);
}

/** Puts a room on the list before the server lists it. */
export function addOwnRoom(room: Room): void {
  changes += 1;
  ownRooms.value = [room, ...ownRooms.peek().filter((one) => one.id !== room.id)];
}

/** Takes what is new about a room that is on the list. */
export function changeOwnRoom(room: Room): void {
  const own = ownRooms.peek();
  const index = own.findIndex(({ id }) => id === room.id);
  if (index >= 0) ownRooms.value = own.with(index, { ...own[index], ...room });
}

export function forgetOwnRoom(id: string): void {
  changes += 1;
  ownRooms.value = ownRooms.peek().filter((one) => one.id !== id);
}

/** Declines an invitation. Rejects with a `Refusal`. */
export async function decline(room: Room): Promise<void> {
  const now = session.peek();
  if (now === undefined) return;
  await uninvite(now.client.api.caller, room.id, me.peek()?.nickname ?? now.user.nickname);
  invitations.value = invitations.peek().filter((one) => one.id !== room.id);
}

async function look(client: KlatschClient): Promise<void> {
  if (knowsOwnRooms.peek() === false) return;
  const before = changes;
  try {
    const [own, invited] = await Promise.all([client.api.myRooms({ limit: LISTED }), myInvitations(client.api.caller)]);
    if (session.peek()?.client !== client || changes !== before) return;
    ownRooms.value = own.rooms;
    const mine = new Set(own.rooms.map(({ id }) => id));
    invitations.value = invited.rooms.filter(({ id }) => !mine.has(id));
    asked.value = { client, known: true };
  } catch (error) {
    if (asRefusal(error).code === "not_found") asked.value = { client, known: false };
  }
}

effect(() => {
  const client = session.value?.client;
  ownRooms.value = [];
  invitations.value = [];
  if (client === undefined) return undefined;
  const lookIfSeen = () => {
    if (!document.hidden && client.state.phase === "connected") void look(client);
  };
  const stop = client.on("connected", () => void look(client));
  const timer = setInterval(lookIfSeen, LOOK_MS);
  document.addEventListener("visibilitychange", lookIfSeen);
  return () => {
    stop();
    clearInterval(timer);
    document.removeEventListener("visibilitychange", lookIfSeen);
  };
});

// Who came by an invitation goes to its room as soon as they are somebody.
effect(() => {
  const token = invitation.value;
  const client = session.value?.client;
  if (token === undefined || client === undefined || connection.value.phase !== "connected") return;
  dropInvitation();
  acceptLink(client.api.caller, token).then(
    (room) => {
      goToRoom(room.id);
      lookAgain();
    },
    (error: unknown) => tell(explain(error)),
  );
});
