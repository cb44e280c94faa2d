import { expect, test } from "vitest";
import type { RoomRecord } from "../../src/client";
import { timeline } from "../../src/page/model/timeline";

const me = { id: "me", nickname: "Me" };
const mina = { id: "mina", nickname: "Mina" };
const noon = new Date(2026, 0, 5, 12).getTime();

function message(seq: number, sender: typeof me, minutes: number): RoomRecord {
  const at = new Date(noon + minutes * 60_000).toISOString();
  return { room: "r", seq, kind: "message", sender, at, body: String(seq), client_id: `c${seq}` };
}

function moved(seq: number, nickname: string, kind: "joined" | "left"): RoomRecord {
  return { room: "r", seq, kind, sender: { id: nickname, nickname }, at: new Date(noon).toISOString() };
}

const show = (records: RoomRecord[], unreadAfter?: number) => timeline({ records, outgoing: [], me, unreadAfter });

test("messages of one sender within five minutes form a run", () => {
  const items = show([message(1, mina, 0), message(2, mina, 2), message(3, mina, 20), message(4, me, 20)]);
  const runs = items.filter((item) => item.kind === "message").map(({ first, last }) => [first, last]);
  expect(runs).toEqual([
    [true, false],
    [false, true],
    [true, true],
    [true, true],
  ]);
});

test("each day has one line", () => {
  const items = show([message(1, mina, 0), message(2, mina, 1), message(3, mina, 24 * 60)]);
  expect(items.map(({ kind }) => kind)).toEqual(["day", "message", "message", "day", "message"]);
});

test("comings in a row are one line", () => {
  const items = show([moved(1, "a", "joined"), moved(2, "b", "joined"), moved(3, "a", "left")]);
  expect(items.slice(1)).toMatchObject([
    { kind: "moves", change: "joined", nicknames: ["a", "b"] },
    { kind: "moves", change: "left", nicknames: ["a"] },
  ]);
});

test("what was done about somebody is a line of its own, and breaks a run", () => {
  const muted: RoomRecord = { room: "r", seq: 2, kind: "muted", sender: me, user: mina, at: new Date(noon).toISOString(), until: null };
  const items = show([message(1, mina, 0), muted, message(3, mina, 1)]);
  expect(items.map(({ kind }) => kind)).toEqual(["day", "message", "event", "message"]);
  expect(items.filter((item) => item.kind === "message").map(({ first }) => first)).toEqual([true, true]);
});

test("a kind that is not known is shown as such", () => {
  const items = show([{ room: "r", seq: 1, kind: "auctioned", sender: mina, at: new Date(noon).toISOString() }]);
  expect(items.at(-1)).toMatchObject({ kind: "other", name: "auctioned" });
});

test("the unread line stands before the first unread message of somebody else", () => {
  const records = [message(1, mina, 0), message(2, me, 1), moved(3, "a", "joined"), message(4, mina, 2)];
  expect(show(records, 1).map(({ kind }) => kind)).toEqual(["day", "message", "message", "moves", "unread", "message"]);
  expect(show(records, 4).map(({ kind }) => kind)).not.toContain("unread");
});

test("a message keeps its key when its record takes its place", () => {
  const outgoing = [{ clientId: "c1", room: "r", body: "1", state: "sending" as const }];
  const before = timeline({ records: [], outgoing, me, unreadAfter: undefined });
  const after = show([message(1, me, 0)]);
  expect(after.at(-1)?.key).toBe(before.at(-1)?.key);
});
