/** Who may come into rooms that are not open to all: invitations of people and by link, and rooms for two. */
import { roomPath } from "./api";
import type { Caller } from "./caller";
import type { Room } from "./protocol";

/** A link that lets people in; its token is told only once, to who made it. */
export interface InvitationLink {
  id: string;
  expires_at: string;
  /** How many may come in by it; any number without it. */
  uses?: number;
  /** How many have. */
  used?: number;
}

/** The rooms one is invited to. */
export function myInvitations(caller: Caller): Promise<{ rooms: Room[]; next: string | null }> {
  return caller.call("GET", "/api/users/me/invitations");
}

export function invite(caller: Caller, room: string, nickname: string): Promise<void> {
  return caller.call("PUT", roomPath(room, `/invitations/${encodeURIComponent(nickname)}`));
}

/** Takes an invitation back, or declines one's own. */
export function uninvite(caller: Caller, room: string, nickname: string): Promise<void> {
  return caller.call("DELETE", roomPath(room, `/invitations/${encodeURIComponent(nickname)}`));
}

export async function links(caller: Caller, room: string): Promise<InvitationLink[]> {
  return (await caller.call<{ links: InvitationLink[] }>("GET", roomPath(room, "/invitation-links"))).links;
}

export function makeLink(caller: Caller, room: string, seconds: number): Promise<InvitationLink & { token: string }> {
  return caller.call("POST", roomPath(room, "/invitation-links"), { body: { seconds } });
}

export function endLink(caller: Caller, room: string, id: string): Promise<void> {
  return caller.call("DELETE", roomPath(room, `/invitation-links/${encodeURIComponent(id)}`));
}

/** Is invited from now on, by the token of a link; joining is another step. */
export function acceptLink(caller: Caller, token: string): Promise<Room> {
  return caller.call("POST", "/api/invitations", { body: { token } });
}

/** The room for two with this person, which is made if there is none. */
export function directWith(caller: Caller, nickname: string): Promise<Room> {
  return caller.call("POST", "/api/direct", { body: { nickname } });
}
