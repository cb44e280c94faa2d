/**
 * The values and frames of the wire, as the server names them.
 * Types only: nothing here sends, keeps or decides.
 */
import type { CodeName, Retry } from "./codes";

export interface User {
  id: string;
  nickname: string;
}

/** What somebody is on the server. */
export type ServerRole = "guest" | "user" | "admin";

/** Oneself, as far as the server tells only oneself. */
export interface Me extends User {
  role?: ServerRole;
  login?: string;
  email?: string;
}

/** A place in a room's log. `seq` 0 is before the first record. */
export interface Position {
  epoch: string;
  seq: number;
}

export type Visibility = "public" | "private" | "direct";

/** What somebody is in a room. */
export type RoomRole = "owner" | "moderator" | "member";

export interface Room {
  id: string;
  name: string;
  visibility?: Visibility;
  /** In a direct room: the other one, whose nickname is its name. */
  with?: User;
  closed?: boolean;
  created_at: string;
  created_by: User;
  members: number;
  head: Position;
}

/** A room one is a member of. */
export interface OwnRoom extends Room {
  role?: RoomRole;
}

export interface Member extends User {
  role?: RoomRole;
}

/** What somebody is in a room, and what is denied to them; a `null` time means for good. */
export interface Standing {
  user: User;
  /** `null` where they are neither a member nor the owner. */
  role: RoomRole | null;
  member: boolean;
  invited: boolean;
  muted_until?: string | null;
  banned_until?: string | null;
  reason?: string;
}

interface RecordFields {
  room: string;
  seq: number;
  sender: User;
  at: string;
}

export interface MessageRecord extends RecordFields {
  kind: "message";
  body: string;
  client_id?: string;
}

export interface MemberRecord extends RecordFields {
  kind: "joined" | "left";
}

/** What was done about somebody in the room, by the record's sender. */
export interface ActRecord extends RecordFields {
  kind: "kicked" | "muted" | "unmuted" | "banned" | "unbanned" | "invited" | "uninvited" | "role_changed";
  user: User;
  /** Of `muted` and `banned`: `null` means for good. */
  until?: string | null;
  reason?: string;
  /** Of `role_changed`. */
  role?: RoomRole;
}

/** The sender, as they were called, has another nickname. */
export interface RenamedRecord extends RecordFields {
  kind: "renamed";
  nickname: string;
}

export interface ClosedRecord extends RecordFields {
  kind: "room_closed";
  reason?: string;
}

/** A kind that this version does not know; it counts in `seq`, and may be shown or not. */
export interface OtherRecord extends RecordFields {
  kind: string & { readonly __unknown?: never };
}

export type RoomRecord = MessageRecord | MemberRecord | ActRecord | RenamedRecord | ClosedRecord | OtherRecord;

export function isMessage(record: RoomRecord): record is MessageRecord {
  return record.kind === "message";
}

export function isMember(record: RoomRecord): record is MemberRecord {
  return record.kind === "joined" || record.kind === "left";
}

const ACTS: ReadonlySet<string> = new Set([
  "kicked",
  "muted",
  "unmuted",
  "banned",
  "unbanned",
  "invited",
  "uninvited",
  "role_changed",
] satisfies ActRecord["kind"][]);

export function isAct(record: RoomRecord): record is ActRecord {
  return ACTS.has(record.kind);
}

export function isRenamed(record: RoomRecord): record is RenamedRecord {
  return record.kind === "renamed";
}

export function isClosed(record: RoomRecord): record is ClosedRecord {
  return record.kind === "room_closed";
}

/** Whose membership a record ended, if it did. */
export function whoWent(record: RoomRecord): string | undefined {
  if (record.kind === "left") return record.sender.id;
  return isAct(record) && (record.kind === "kicked" || record.kind === "banned") ? record.user.id : undefined;
}

/** A range of sequence numbers, both ends included. */
export interface Missing {
  from: number;
  to: number;
}

export type Request =
  | { type: "connect"; token: string }
  | { type: "refresh"; token: string }
  | { type: "join"; room: string; after?: Position; last?: number }
  | { type: "send"; room: string; body: string; client_id?: string }
  | { type: "leave"; room: string }
  | { type: "part"; room: string }
  | { type: "watch"; what: "rooms" }
  | { type: "unwatch"; what: "rooms" }
  | { type: "ping" };

export interface Connected {
  type: "connected";
  user: User;
  session: string;
  heartbeat_s: number;
}

export interface Joined {
  type: "joined";
  room: Room;
  position: Position;
  recovered?: boolean;
  missing?: Missing;
}

export interface Ack {
  type: "ack";
  room: string;
  seq: number;
  at: string;
  client_id?: string;
}

/** The reply that belongs to each request. */
export interface Replies {
  connect: Connected;
  refresh: { type: "refreshed"; expires_at: string };
  join: Joined;
  send: Ack;
  leave: { type: "left"; room: string };
  part: { type: "parted"; room: string };
  watch: { type: "watching" };
  unwatch: { type: "unwatched" };
  ping: { type: "pong" };
}

export interface ErrorFrame {
  type: "error";
  id?: number | string;
  code: CodeName | (string & {});
  message: string;
  field?: string;
  retry: Retry;
  retry_after_ms?: number;
  /** Of `muted` and `banned`. */
  until?: string | null;
  reason?: string;
}

export type RoomChange = "created" | "changed" | "closed";

/** What the server sends without being asked. */
export type Push =
  | ({ type: "record" } & RoomRecord)
  | { type: "records"; room: string; records: RoomRecord[] }
  | { type: "room"; change: RoomChange; room: Room }
  | { type: "parted"; room: string; code?: string; until?: string | null; reason?: string }
  | { type: "refresh"; expires_at: string; within_s: number }
  | { type: "closing"; code: number; reason: string; retry_after_ms?: number };

/** A position as HTTP takes it. */
export function positionText(position: Position): string {
  return `${position.epoch}:${position.seq}`;
}
