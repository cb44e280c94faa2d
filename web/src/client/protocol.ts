/**
 * The values and frames of the wire, as the server names them.
 * Types only: nothing here sends, keeps or decides.
 */
import type { CodeName, Retry } from "./codes";

export interface User {
  id: string;
  nickname: string;
}

/** A place in a room's log. `seq` 0 is before the first record. */
export interface Position {
  epoch: string;
  seq: number;
}

export interface Room {
  id: string;
  name: string;
  created_at: string;
  created_by: User;
  members: number;
  head: Position;
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

/** A kind that this version does not know; it counts in `seq`, and may be shown or not. */
export interface OtherRecord extends RecordFields {
  kind: string & { readonly __unknown?: never };
}

export type RoomRecord = MessageRecord | MemberRecord | OtherRecord;

export function isMessage(record: RoomRecord): record is MessageRecord {
  return record.kind === "message";
}

export function isMember(record: RoomRecord): record is MemberRecord {
  return record.kind === "joined" || record.kind === "left";
}

/** A range of sequence numbers, both ends included. */
export interface Missing {
  from: number;
  to: number;
}

export type Request =
  | { type: "connect"; token: string }
  | { type: "connect"; nickname: string; secret?: string }
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
  token?: string;
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
}

export type RoomChange = "created" | "changed" | "closed";

/** What the server sends without being asked. */
export type Push =
  | ({ type: "record" } & RoomRecord)
  | { type: "records"; room: string; records: RoomRecord[] }
  | { type: "room"; change: RoomChange; room: Room }
  | { type: "parted"; room: string; code?: string }
  | { type: "closing"; code: number; reason: string; retry_after_ms?: number };

/** A position as HTTP takes it. */
export function positionText(position: Position): string {
  return `${position.epoch}:${position.seq}`;
}
