/** How this device wants to be connected, remembered. */
import { signal } from "@preact/signals";
import { WAYS, type Choice } from "../../client";
import { load, save } from "./storage";

export const CHOICES = ["auto", ...WAYS] as const satisfies readonly Choice[];

export const choice = signal<Choice>(load("connection", isChoice) ?? "auto");

export function choose(next: Choice): void {
  choice.value = next;
  save("connection", next);
}

function isChoice(value: unknown): value is Choice {
  return CHOICES.some((one) => one === value);
}
