/** What a refusal says to a person, in the language in force. */
import { asRefusal } from "../../client";
import { words } from "../i18n";

export function explain(error: unknown): string {
  const refusal = asRefusal(error);
  return words.value.refusals[refusal.code] ?? refusal.message;
}
