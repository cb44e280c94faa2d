/** What a refusal says to a person, in the language in force. */
import { asRefusal } from "../../client";
import { formatSpan, formatUntil, words } from "../i18n";
import { denialOf, type Denial } from "./standing";

export function explain(error: unknown): string {
  const refusal = asRefusal(error);
  const t = words.value;
  const text = t.refusals[refusal.code] ?? refusal.message;
  if (refusal.code === "rate_limited" && refusal.retryAfterMs !== undefined) {
    return t.tooFast(formatSpan(Math.max(1, Math.ceil(refusal.retryAfterMs / 1000))));
  }
  const denial = denialIn(error);
  return denial === undefined ? text : `${text} ${explainDenial(denial)}`.trim();
}

/** What a refusal says of the time and the reason, if it is one because something is denied to somebody. */
export function denialIn(error: unknown): Denial | undefined {
  const { code, details } = asRefusal(error);
  if (code !== "muted" && code !== "banned") return undefined;
  const until = typeof details["until"] === "string" ? details["until"] : null;
  return denialOf(until, typeof details["reason"] === "string" ? details["reason"] : undefined, Date.now());
}

/** Until when, and why. */
export function explainDenial({ until, reason }: Denial): string {
  const t = words.value;
  const when = until === undefined ? t.forGood : t.until(formatUntil(until));
  return reason === undefined ? when : `${when} ${t.reason(reason)}`;
}
