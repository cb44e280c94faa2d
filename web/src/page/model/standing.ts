/**
 * What somebody is in a room, and what is denied to them until when: as the server said once, and as the room's
 * records have changed it since. Pure; it asks nobody and reads no clock.
 */
import { isAct, whoWent, type RoomRecord, type RoomRole, type Standing } from "../../client";

/** Something that is denied, until then or for good, and why. */
export interface Denial {
  until: Date | undefined;
  reason: string | undefined;
}

/** A denial as the wire has it; undefined where the time is over. */
export function denialOf(until: string | null | undefined, reason: string | undefined, now: number): Denial | undefined {
  if (until === undefined) return undefined;
  const end = until === null ? undefined : new Date(until);
  return end !== undefined && end.getTime() <= now ? undefined : { until: end, reason };
}

export function muteOf(standing: Standing | undefined, now: number): Denial | undefined {
  return standing && denialOf(standing.muted_until, standing.reason, now);
}

export function banOf(standing: Standing | undefined, now: number): Denial | undefined {
  return standing && denialOf(standing.banned_until, standing.reason, now);
}

/** The standing after these records, which come after what it was. */
export function followStanding(standing: Standing, records: readonly RoomRecord[]): Standing {
  return records.reduce(follow, standing);
}

function follow(standing: Standing, record: RoomRecord): Standing {
  const id = standing.user.id;
  if (record.kind === "joined" && record.sender.id === id) return { ...standing, member: true, invited: false, role: standing.role ?? "member" };
  if (isAct(record) && record.user.id === id) return done(standing, record);
  // Who hands a room over goes on as one of those who look after it.
  const handedOver = isAct(record) && record.kind === "role_changed" && record.role === "owner";
  if (handedOver && standing.role === "owner") return { ...standing, role: "moderator" };
  return whoWent(record) === id ? gone(standing) : standing;
}

function done(standing: Standing, record: RoomRecord & { until?: string | null; reason?: string; role?: RoomRole }): Standing {
  const { muted_until: _muted, banned_until: _banned, reason: _reason, ...rest } = standing;
  const why = record.reason === undefined ? {} : { reason: record.reason };
  switch (record.kind) {
    case "muted":
      return { ...rest, muted_until: record.until ?? null, ...why };
    case "banned":
      return { ...gone(rest), banned_until: record.until ?? null, ...why };
    case "unmuted":
    case "unbanned":
      return rest;
    case "kicked":
      return gone(standing);
    case "role_changed":
      return { ...standing, role: record.role ?? standing.role };
    case "invited":
      return { ...standing, invited: true };
    case "uninvited":
      return { ...standing, invited: false };
    default:
      return standing;
  }
}

/** An owner stays one, even where they are no member. */
function gone(standing: Standing): Standing {
  return { ...standing, member: false, role: standing.role === "owner" ? "owner" : null };
}
