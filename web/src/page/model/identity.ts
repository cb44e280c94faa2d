/**
 * Who uses this device, as far as the device remembers it. Of a guest that is the key to the nickname, which is made
 * here and never shown; of an account only its name: what it takes to go on is the browser's, in a cookie.
 */
import { randomId, type User } from "../../client";
import { forget, isRecord, load, save } from "./storage";

export interface Guest {
  nickname: string;
  secret: string;
  token: string;
  user: User;
}

export interface Account {
  account: true;
  user: User;
}

export type Identity = Guest | Account;

const KEY = "identity";
const SECRET_LENGTH = 32;

export function storedIdentity(): Identity | undefined {
  return load(KEY, isIdentity);
}

export function storeIdentity(identity: Identity): void {
  save(KEY, identity);
}

/** Forgets who that was, and what belongs to them. */
export function forgetIdentity(): void {
  for (const key of [KEY, "rooms", "read"]) forget(key);
}

/** The secret for a nickname. A try whose answer was lost must find the same one again, or it would lock itself out. */
export function secretFor(nickname: string): string {
  const pending = load("pending", isPending);
  const secret = pending?.nickname === nickname ? pending.secret : randomId(SECRET_LENGTH);
  save("pending", { nickname, secret });
  return secret;
}

export function secretUsed(): void {
  forget("pending");
}

function isIdentity(value: unknown): value is Identity {
  if (!isRecord(value) || !isUser(value["user"])) return false;
  return value["account"] === true || (typeof value["token"] === "string" && isPending(value));
}

function isPending(value: unknown): value is { nickname: string; secret: string } {
  return isRecord(value) && typeof value["nickname"] === "string" && typeof value["secret"] === "string";
}

function isUser(value: unknown): value is User {
  return isRecord(value) && typeof value["id"] === "string" && typeof value["nickname"] === "string";
}
