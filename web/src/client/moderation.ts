/** What owners, moderators and admins do about people and rooms. */
import { roomPath } from "./api";
import type { Caller } from "./caller";
import type { RoomRole, Standing, User } from "./protocol";

/** For how long something is denied, and why; without seconds for good. */
export interface Denial {
  seconds?: number;
  reason?: string;
}

/** Somebody who is muted or banned. */
export interface Denied {
  user: User;
  until: string | null;
  reason?: string;
}

export function standingOf(caller: Caller, room: string, user: string): Promise<Standing> {
  return caller.call("GET", roomPath(room, `/members/${encodeURIComponent(user)}`));
}

/** `owner` hands the room over. */
export function setRole(caller: Caller, room: string, user: string, role: RoomRole): Promise<void> {
  return caller.call("PUT", roomPath(room, `/members/${encodeURIComponent(user)}/role`), { body: { role } });
}

export function kick(caller: Caller, room: string, user: string, reason?: string): Promise<void> {
  return caller.call("DELETE", roomPath(room, `/members/${encodeURIComponent(user)}`), { query: { reason } });
}

export function mute(caller: Caller, room: string, user: string, denial: Denial): Promise<void> {
  return caller.call("PUT", roomPath(room, `/mutes/${encodeURIComponent(user)}`), { body: denial });
}

export function unmute(caller: Caller, room: string, user: string): Promise<void> {
  return caller.call("DELETE", roomPath(room, `/mutes/${encodeURIComponent(user)}`));
}

export function ban(caller: Caller, room: string, user: string, denial: Denial): Promise<void> {
  return caller.call("PUT", roomPath(room, `/bans/${encodeURIComponent(user)}`), { body: denial });
}

export function unban(caller: Caller, room: string, user: string): Promise<void> {
  return caller.call("DELETE", roomPath(room, `/bans/${encodeURIComponent(user)}`));
}

export async function mutes(caller: Caller, room: string): Promise<Denied[]> {
  return (await caller.call<{ mutes: Denied[] }>("GET", roomPath(room, "/mutes"))).mutes;
}

export async function bans(caller: Caller, room: string): Promise<Denied[]> {
  return (await caller.call<{ bans: Denied[] }>("GET", roomPath(room, "/bans"))).bans;
}

/** Closes a room for ever; what was said stays readable. */
export function closeRoom(caller: Caller, room: string): Promise<void> {
  return caller.call("DELETE", roomPath(room));
}

/** Bans somebody from the whole server; only admins may. */
export function banFromServer(caller: Caller, user: string, denial: Denial): Promise<void> {
  return caller.call("PUT", `/api/users/${encodeURIComponent(user)}/ban`, { body: denial });
}

export function unbanFromServer(caller: Caller, user: string): Promise<void> {
  return caller.call("DELETE", `/api/users/${encodeURIComponent(user)}/ban`);
}
