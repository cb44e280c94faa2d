/** Light, dark, or as the device: one attribute on the root element, remembered. */
import { effect, signal } from "@preact/signals";
import { load, save } from "./storage";

export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

export const theme = signal<Theme>(load("theme", isTheme) ?? "auto");

effect(() => {
  document.documentElement.dataset["theme"] = theme.value;
});

export function setTheme(next: Theme): void {
  theme.value = next;
  save("theme", next);
}

function isTheme(value: unknown): value is Theme {
  return THEMES.some((one) => one === value);
}
