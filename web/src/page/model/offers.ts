/** How one can come in here, beside as a guest: with an account, or by a login elsewhere. Asked of the server once. */
import { signal } from "@preact/signals";
import { asRefusal } from "../../client";
import { availability, providers, type Provider } from "../../client/entrance";
import { anonymous } from "./session";

export const offersAccounts = signal(false);
export const offeredProviders = signal<readonly Provider[]>([]);

let asked = false;

export async function learnOffers(): Promise<void> {
  if (asked) return;
  asked = true;
  const [accounts, elsewhere] = await Promise.all([
    availability(anonymous, "login", "klatsch").then(() => true, isKnown),
    providers(anonymous).catch((error: unknown) => (isKnown(error) ? undefined : { providers: [] })),
  ]);
  // An answer that did not come says nothing: ask again the next time.
  if (elsewhere === undefined) asked = false;
  offersAccounts.value = accounts;
  offeredProviders.value = elsewhere?.providers ?? [];
}

/** Whether a refusal came of something else than that the server has no such call. */
function isKnown(error: unknown): boolean {
  return asRefusal(error).code !== "not_found";
}
