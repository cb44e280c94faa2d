/**
 * The calls by which somebody comes in who has an account, or is about to have one.
 * The refresh token is the browser's, in a cookie that no script sees; what comes back here is the short-lived token.
 */
import type { Caller } from "./caller";
import type { User } from "./protocol";
import type { Grant } from "./passport";

/** A login, as RFC 6749 names its parts. */
export interface Login {
  user: User;
  session: string;
  access_token: string;
  expires_in: number;
}

/** Somewhere else where people can log in. */
export interface Provider {
  id: string;
  name: string;
}

export interface Availability {
  available: boolean;
  /** Why not. */
  code?: string;
  message?: string;
}

export interface NewAccount {
  login: string;
  password: string;
  /** A guest who becomes an account may keep the one they have. */
  nickname?: string;
  email?: string;
  device?: string;
}

export function grantOf({ access_token, expires_in }: Login): Grant {
  return { token: access_token, lifeMs: expires_in * 1000 };
}

export function logIn(caller: Caller, login: string, password: string, device: string): Promise<Login> {
  return caller.call("POST", "/api/sessions", { body: { login, password, device, cookie: true } });
}

/** Makes an account; of the guest who calls, if one does. */
export function signUp(caller: Caller, account: NewAccount): Promise<Login> {
  return caller.call("POST", "/api/accounts", { body: { ...account, cookie: true } });
}

/** Who has logged in elsewhere just now and lacks a nickname, with the one proposed; refused as `login_failed` if nobody has. */
export function newcomer(caller: Caller): Promise<{ nickname: string | null }> {
  return caller.call("GET", "/api/auth/registration");
}

/** Takes the nickname that a first login elsewhere still lacks. */
export function register(caller: Caller, nickname: string): Promise<Login> {
  return caller.call("POST", "/api/auth/registration", { body: { nickname } });
}

/** Goes on with the login whose cookie the browser has; refused as `unauthenticated` where it has none. */
export function refresh(caller: Caller): Promise<Login> {
  return caller.call("POST", "/api/sessions/refresh", { body: {} });
}

/** Whether a nickname or a login is free. */
export function availability(caller: Caller, what: "nickname" | "login", value: string, signal?: AbortSignal): Promise<Availability> {
  return caller.call("GET", "/api/availability", { query: { [what]: value }, signal });
}

export function providers(caller: Caller): Promise<{ providers: Provider[] }> {
  return caller.call("GET", "/api/auth/providers");
}

/** Where the browser must go to log in there. */
export function providerPath(id: string): string {
  return `/api/auth/login/${encodeURIComponent(id)}`;
}
