/** What somebody does with their own account: names, password, devices. */
import type { Caller } from "./caller";
import type { User } from "./protocol";

/** One device that is logged in. */
export interface Device {
  id: string;
  device?: string | null;
  created_at: string;
  seen_at: string;
  current: boolean;
}

export function devices(caller: Caller): Promise<{ sessions: Device[]; next: string | null }> {
  return caller.call("GET", "/api/sessions");
}

export function endDevice(caller: Caller, id: string): Promise<void> {
  return caller.call("DELETE", `/api/sessions/${encodeURIComponent(id)}`);
}

/** Ends this login; the cookie is gone with it. */
export function logOut(caller: Caller): Promise<void> {
  return caller.call("DELETE", "/api/sessions/current");
}

export function rename(caller: Caller, nickname: string): Promise<User> {
  return caller.call("PATCH", "/api/users/me", { body: { nickname } });
}

/** Ends every other login. */
export function changePassword(caller: Caller, password: string, newPassword: string): Promise<void> {
  return caller.call("PUT", "/api/users/me/password", { body: { password, new_password: newPassword } });
}
