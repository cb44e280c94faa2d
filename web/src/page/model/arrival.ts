/**
 * What the address brought somebody here for, besides a room: back from a login elsewhere, or by an invitation.
 * It is taken out of the address at once, so that no history, bookmark or screenshot keeps a token.
 */
import { signal } from "@preact/signals";
import { forget, load, save, TAB } from "./storage";

export type Arrival = { kind: "login" } | { kind: "nickname" } | { kind: "invitation"; token: string };

/** The invitation somebody came by, until it is used. It outlives a login elsewhere, in this tab. */
export const invitation = signal<string | undefined>(load("invitation", isText, TAB));

/** What a fragment says, if it is one of these. */
export function arrivalOf(fragment: string): Arrival | undefined {
  if (fragment === "#login") return { kind: "login" };
  if (fragment === "#choose-nickname") return { kind: "nickname" };
  const token = /^#invite=([\w.~-]+)$/.exec(fragment)?.[1];
  return token === undefined ? undefined : { kind: "invitation", token };
}

/** Takes what the address says; an invitation is kept for later. */
export function takeArrival(): Arrival | undefined {
  const arrival = arrivalOf(location.hash);
  if (arrival === undefined) return undefined;
  history.replaceState(null, "", location.pathname + location.search);
  if (arrival.kind === "invitation") keepInvitation(arrival.token);
  return arrival;
}

export function dropInvitation(): void {
  invitation.value = undefined;
  forget("invitation", TAB);
}

function keepInvitation(token: string): void {
  invitation.value = token;
  save("invitation", token, TAB);
}

// A link that is followed while the page is open changes nothing but the fragment.
addEventListener("hashchange", () => {
  if (arrivalOf(location.hash)?.kind === "invitation") takeArrival();
});

function isText(value: unknown): value is string {
  return typeof value === "string";
}
