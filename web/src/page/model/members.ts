/** Who is in a room, by role, kept up to date by its records. Pure. */
import { isAct, isRenamed, whoWent, type Member, type RoomRecord } from "../../client";

export function mergeMembers(members: readonly Member[], more: readonly Member[]): readonly Member[] {
  const known = new Set(members.map(({ id }) => id));
  return [...members, ...more.filter(({ id }) => !known.has(id))];
}

export function followMembers(members: readonly Member[], records: readonly RoomRecord[]): readonly Member[] {
  return records.reduce(follow, members);
}

function follow(members: readonly Member[], record: RoomRecord): readonly Member[] {
  const gone = whoWent(record);
  if (gone !== undefined) return members.some(({ id }) => id === gone) ? members.filter(({ id }) => id !== gone) : members;
  if (record.kind === "joined") {
    return members.some(({ id }) => id === record.sender.id) ? members : [...members, record.sender];
  }
  if (isRenamed(record)) return change(members, record.sender.id, { nickname: record.nickname });
  if (!isAct(record) || record.kind !== "role_changed" || record.role === undefined) return members;
  const before: readonly Member[] =
    record.role === "owner" ? members.map((one) => (one.role === "owner" ? { ...one, role: "moderator" } : one)) : members;
  return change(before, record.user.id, { role: record.role });
}

function change(members: readonly Member[], id: string, changes: Partial<Member>): readonly Member[] {
  return members.map((one) => (one.id === id ? { ...one, ...changes } : one));
}
