import { expect, test } from "vitest";
import type { ActRecord, RoomRecord, Standing } from "../../src/client";
import { followMembers } from "../../src/page/model/members";
import { looksAfter, mayAppoint, mayModerate, mayOwn, type Actor } from "../../src/page/model/powers";
import { banOf, followStanding, muteOf } from "../../src/page/model/standing";

const me = { id: "me", nickname: "Me" };
const mina = { id: "mina", nickname: "Mina" };
const noon = Date.parse("2026-01-05T12:00:00Z");
const before: Standing = { user: me, role: "member", member: true, invited: false };

function act(kind: ActRecord["kind"], fields: Partial<ActRecord> = {}): RoomRecord {
  return { room: "r", seq: 1, at: "2026-01-05T12:00:00Z", sender: mina, user: me, ...fields, kind };
}

function by(sender: typeof me, kind: string, fields: object = {}): RoomRecord {
  return { room: "r", seq: 1, at: "2026-01-05T12:00:00Z", sender, kind, ...fields };
}

test("who is muted sees why and until when, and only so long", () => {
  const muted = followStanding(before, [act("muted", { until: "2026-01-05T12:10:00Z", reason: "loud" })]);
  expect(muteOf(muted, noon)).toEqual({ until: new Date(noon + 600_000), reason: "loud" });
  expect(muteOf(muted, noon + 600_000)).toBeUndefined();
  expect(muteOf(followStanding(muted, [act("unmuted")]), noon)).toBeUndefined();
});

test.each([[null], [undefined]])("a mute until %s is for good", (until) => {
  const fields = until === undefined ? {} : { until };
  expect(muteOf(followStanding(before, [act("muted", fields)]), noon)).toEqual({ until: undefined, reason: undefined });
});

test("a mute that follows another one takes its place, reason and all", () => {
  const records = [act("muted", { until: "2026-01-05T12:10:00Z", reason: "loud" }), act("muted", { until: "2026-01-05T12:20:00Z" })];
  expect(muteOf(followStanding(before, records), noon)).toEqual({ until: new Date(noon + 1_200_000), reason: undefined });
});

test("what happens to others changes nothing about oneself", () => {
  const records = [act("muted", { user: mina }), act("banned", { user: mina }), by(mina, "left"), act("role_changed", { user: mina, role: "moderator" })];
  expect(followStanding(before, records)).toBe(before);
});

test("a ban ends the membership and the role, and coming back is another matter", () => {
  const moderator: Standing = { ...before, role: "moderator" };
  const banned = followStanding(moderator, [act("banned", { until: null, reason: "spam" })]);
  expect(banned).toMatchObject({ member: false, role: null });
  expect(banOf(banned, noon)?.reason).toBe("spam");
  expect(banOf(followStanding(banned, [act("unbanned")]), noon)).toBeUndefined();
});

test("who hands a room over is a moderator from then on, and the other one its owner", () => {
  const owner: Standing = { ...before, role: "owner" };
  const handed = act("role_changed", { sender: me, user: mina, role: "owner" });
  expect(followStanding(owner, [handed]).role).toBe("moderator");
  expect(followStanding(before, [act("role_changed", { role: "owner" })]).role).toBe("owner");
  const members = followMembers([{ ...me, role: "owner" }, { ...mina, role: "member" }], [handed]);
  expect(members).toEqual([{ ...me, role: "moderator" }, { ...mina, role: "owner" }]);
});

test("members come, go, are thrown out and are called otherwise", () => {
  const records = [by(me, "joined"), by(mina, "joined"), by(mina, "joined"), by(mina, "renamed", { nickname: "Minerva" })];
  expect(followMembers([], records)).toEqual([me, { id: "mina", nickname: "Minerva" }]);
  for (const gone of [act("kicked"), act("banned"), by(me, "left")]) {
    expect(followMembers([me, mina], [gone])).toEqual([mina]);
  }
});

test.each<[Actor["role"] | "admin", "owner" | "moderator" | "member", { moderate: boolean; appoint: boolean }]>([
  ["owner", "moderator", { moderate: true, appoint: true }],
  ["owner", "member", { moderate: true, appoint: true }],
  ["moderator", "owner", { moderate: false, appoint: false }],
  ["moderator", "moderator", { moderate: false, appoint: false }],
  ["moderator", "member", { moderate: true, appoint: false }],
  ["member", "member", { moderate: false, appoint: false }],
  [undefined, "member", { moderate: false, appoint: false }],
  ["admin", "owner", { moderate: true, appoint: false }],
  ["admin", "moderator", { moderate: true, appoint: true }],
])("as %s towards a %s the menu offers %o", (role, other, expected) => {
  const actor: Actor = { id: "me", role: role === "admin" ? undefined : role, admin: role === "admin" };
  const person = { id: "other", role: other };
  expect({ moderate: mayModerate(actor, person), appoint: mayAppoint(actor, person) }).toEqual(expected);
});

test("nobody acts on themselves, and only who looks after a room sees how", () => {
  const owner: Actor = { id: "me", role: "owner", admin: true };
  expect([mayModerate(owner, { id: "me", role: "owner" }), mayAppoint(owner, { id: "me" })]).toEqual([false, false]);
  expect(looksAfter({ id: "me", role: "member", admin: false })).toBe(false);
  expect([looksAfter, mayOwn].map((may) => may({ id: "me", role: "moderator", admin: false }))).toEqual([true, false]);
});
