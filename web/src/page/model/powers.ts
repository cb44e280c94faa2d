/**
 * What the menus offer: an owner acts on moderators and members, a moderator on members, an admin of the server on
 * anybody, nobody on themselves. It decides what is shown and no more; the room decides what is done.
 */
import type { RoomRole } from "../../client";

export interface Actor {
  id: string;
  role: RoomRole | null | undefined;
  admin: boolean;
}

const RANKS = { member: 0, moderator: 1, owner: 2 } as const satisfies Record<RoomRole, number>;

/** Whether somebody looks after the room: invites, sees who is muted and banned. */
export function looksAfter({ role, admin }: Actor): boolean {
  return admin || rank(role) >= RANKS.moderator;
}

/** Whether somebody may kick, mute and ban this person. */
export function mayModerate(actor: Actor, person: { id: string; role?: RoomRole | undefined }): boolean {
  if (actor.id === person.id) return false;
  return actor.admin || (looksAfter(actor) && rank(actor.role) > rank(person.role));
}

/** Whether somebody may name this person a moderator, and hand the room over to them. */
export function mayAppoint(actor: Actor, person: { id: string; role?: RoomRole | undefined }): boolean {
  return actor.id !== person.id && person.role !== "owner" && mayOwn(actor);
}

/** Whether somebody may close the room. */
export function mayOwn({ role, admin }: Actor): boolean {
  return admin || role === "owner";
}

function rank(role: RoomRole | null | undefined): number {
  return RANKS[role ?? "member"];
}
