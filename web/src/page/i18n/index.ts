/** The language in force, its words, and dates and times as it writes them. */
import { computed, effect, signal } from "@preact/signals";
import { load, save } from "../model/storage";
import { en, type Dictionary } from "./en";
import { ko } from "./ko";

export type Language = "en" | "ko";

export const LANGUAGES: Record<Language, Dictionary> = { en, ko };

export const language = signal<Language>(load("language", isLanguage) ?? fromBrowser());

/** The words in force; reading it in a component makes the component follow the language. */
export const words = computed(() => LANGUAGES[language.value]);

const formats = computed(() => ({
  time: new Intl.DateTimeFormat(language.value, { hour: "numeric", minute: "2-digit" }),
  day: new Intl.DateTimeFormat(language.value, { weekday: "long", month: "long", day: "numeric" }),
  dayOfYear: new Intl.DateTimeFormat(language.value, { dateStyle: "full" }),
  full: new Intl.DateTimeFormat(language.value, { dateStyle: "full", timeStyle: "medium" }),
  list: new Intl.ListFormat(language.value, { style: "long", type: "conjunction" }),
}));

effect(() => {
  document.documentElement.lang = language.value;
});

export function setLanguage(next: Language): void {
  language.value = next;
  save("language", next);
}

export function formatTime(date: Date): string {
  return formats.value.time.format(date);
}

export function formatFull(date: Date): string {
  return formats.value.full.format(date);
}

export function formatNames(names: string[]): string {
  return formats.value.list.format(names);
}

/** "Today", "Yesterday", or the date, with its year when that is not this one. */
export function formatDay(date: Date, now: Date): string {
  const days = Math.round((startOfDay(now).getTime() - startOfDay(date).getTime()) / 86_400_000);
  if (days === 0) return words.value.today;
  if (days === 1) return words.value.yesterday;
  const { day, dayOfYear } = formats.value;
  return (date.getFullYear() === now.getFullYear() ? day : dayOfYear).format(date);
}

function startOfDay(date: Date): Date {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate());
}

function isLanguage(value: unknown): value is Language {
  return value === "en" || value === "ko";
}

function fromBrowser(): Language {
  const first = navigator.languages.map((one) => one.slice(0, 2)).find(isLanguage);
  return first ?? "en";
}
