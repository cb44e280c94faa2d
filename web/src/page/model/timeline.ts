/**
 * From records to what stands on the screen: days, the unread line, comings and goings, grouped messages.
 * Pure; it knows neither language nor layout.
 */
import {
  isAct,
  isClosed,
  isMember,
  isMessage,
  isRenamed,
  type ActRecord,
  type ClosedRecord,
  type MessageRecord,
  type Outgoing,
  type RenamedRecord,
  type RoomRecord,
} from "../../client";

export interface MessageItem {
  kind: "message";
  key: string;
  /** Undefined while it is not in the log. */
  seq: number | undefined;
  senderId: string;
  nickname: string;
  body: string;
  at: Date | undefined;
  own: boolean;
  /** Whether it opens a run of the same sender, and whether it ends one. */
  first: boolean;
  last: boolean;
  outgoing: Outgoing | undefined;
}

export type Item =
  | { kind: "day"; key: string; seq: number; date: Date }
  | { kind: "unread"; key: string; seq: number }
  | { kind: "moves"; key: string; seq: number; change: "joined" | "left"; nicknames: string[] }
  | { kind: "event"; key: string; seq: number; record: ActRecord | RenamedRecord | ClosedRecord }
  | { kind: "other"; key: string; seq: number; name: string }
  | MessageItem;

export interface TimelineInput {
  records: readonly RoomRecord[];
  outgoing: readonly Outgoing[];
  me: { id: string; nickname: string };
  /** The unread line stands before the first message of others above this `seq`. */
  unreadAfter: number | undefined;
}

/** Messages of one sender this close together, in milliseconds, form a run. */
const RUN_MS = 5 * 60_000;

export function timeline({ records, outgoing, me, unreadAfter }: TimelineInput): Item[] {
  const items: Item[] = [];
  let day = "";
  let dividerOpen = unreadAfter !== undefined;
  for (const record of records) {
    const date = new Date(record.at);
    if (date.toDateString() !== day) {
      day = date.toDateString();
      items.push({ kind: "day", key: `day-${day}`, seq: record.seq, date });
    }
    if (dividerOpen && isUnread(record, me.id, unreadAfter ?? 0)) {
      dividerOpen = false;
      items.push({ kind: "unread", key: "unread", seq: record.seq });
    }
    add(items, record, date, me.id);
  }
  for (const message of outgoing) items.push(outgoingItem(message, me));
  return markRuns(items);
}

/** Whether a record counts as unread for somebody who has read up to `seq`: a message, and not their own. */
export function isUnread(record: RoomRecord, me: string, seq: number): boolean {
  return record.seq > seq && isMessage(record) && record.sender.id !== me;
}

function add(items: Item[], record: RoomRecord, date: Date, me: string): void {
  if (isMessage(record)) {
    items.push(messageItem(record, date, me));
    return;
  }
  if (isAct(record) || isRenamed(record) || isClosed(record)) {
    items.push({ kind: "event", key: `s-${record.seq}`, seq: record.seq, record });
    return;
  }
  if (!isMember(record)) {
    items.push({ kind: "other", key: `s-${record.seq}`, seq: record.seq, name: record.kind });
    return;
  }
  const before = items.at(-1);
  if (before?.kind === "moves" && before.change === record.kind) {
    before.nicknames.push(record.sender.nickname);
    return;
  }
  const nicknames = [record.sender.nickname];
  items.push({ kind: "moves", key: `s-${record.seq}`, seq: record.seq, change: record.kind, nicknames });
}

function messageItem(record: MessageRecord, at: Date, me: string): MessageItem {
  const own = record.sender.id === me;
  return {
    kind: "message",
    // An own message keeps its element when its record takes the place of what was being sent.
    key: own && record.client_id !== undefined ? `c-${record.client_id}` : `s-${record.seq}`,
    seq: record.seq,
    senderId: record.sender.id,
    nickname: record.sender.nickname,
    body: record.body,
    at,
    own,
    first: true,
    last: true,
    outgoing: undefined,
  };
}

function outgoingItem(message: Outgoing, me: TimelineInput["me"]): MessageItem {
  return {
    kind: "message",
    key: `c-${message.clientId}`,
    seq: undefined,
    senderId: me.id,
    nickname: me.nickname,
    body: message.body,
    at: undefined,
    own: true,
    first: true,
    last: true,
    outgoing: message,
  };
}

function markRuns(items: Item[]): Item[] {
  for (let index = 1; index < items.length; index += 1) {
    const before = items[index - 1];
    const item = items[index];
    if (before?.kind !== "message" || item?.kind !== "message") continue;
    if (before.senderId !== item.senderId || apart(before.at, item.at) > RUN_MS) continue;
    before.last = false;
    item.first = false;
  }
  return items;
}

function apart(a: Date | undefined, b: Date | undefined): number {
  return a === undefined || b === undefined ? 0 : b.getTime() - a.getTime();
}
