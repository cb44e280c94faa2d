/** What a record that is no message says to a person. */
import type { ActRecord, ClosedRecord, RenamedRecord } from "../../client";
import { formatUntil, words } from "../i18n";

export function eventText(record: ActRecord | RenamedRecord | ClosedRecord): string {
  const t = words.value.did;
  const what = textOf(record);
  const reason = "reason" in record ? record.reason : undefined;
  return reason === undefined ? what : t.because(what, reason);
}

function textOf(record: ActRecord | RenamedRecord | ClosedRecord): string {
  const t = words.value.did;
  const by = record.sender.nickname;
  switch (record.kind) {
    case "renamed":
      return t.renamed(by, record.nickname);
    case "room_closed":
      return t.closed(by);
    case "role_changed":
      return t[record.role ?? "member"](by, record.user.nickname);
    case "muted":
    case "banned":
      return t[record.kind](by, record.user.nickname, untilText(record.until));
    default:
      return t[record.kind](by, record.user.nickname);
  }
}

function untilText(until: string | null | undefined): string {
  const t = words.value;
  return until === null || until === undefined ? t.forGoodThen : t.untilThen(formatUntil(new Date(until)));
}
