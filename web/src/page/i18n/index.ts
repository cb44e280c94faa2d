/** The language in force, its words, and dates and times as it writes them. */
import { batch, computed, effect, signal } from "@preact/signals";
import { load, save } from "../model/storage";
import { en, type Dictionary } from "./en";

export type Language = "en" | "ko";

/** Each language as it calls itself. */
export const LANGUAGES: Record<Language, string> = { en: "English", ko: "한국어" };

/** English is always there; another language is fetched by those who use it. */
const DICTIONARIES: Record<Language, () => Dictionary | Promise<Dictionary>> = {
  en: () => en,
  ko: () => import("./ko").then((file) => file.ko),
};

export const language = signal<Language>("en");

/** The words in force; reading it in a component makes the component follow the language. */
export const words = signal<Dictionary>(en);

const formats = computed(() => ({
  time: new Intl.DateTimeFormat(language.value, { hour: "numeric", minute: "2-digit" }),
  day: new Intl.DateTimeFormat(language.value, { weekday: "long", month: "long", day: "numeric" }),
  dayOfYear: new Intl.DateTimeFormat(language.value, { dateStyle: "full" }),
  full: new Intl.DateTimeFormat(language.value, { dateStyle: "full", timeStyle: "medium" }),
  date: new Intl.DateTimeFormat(language.value, { dateStyle: "medium", timeStyle: "short" }),
  list: new Intl.ListFormat(language.value, { style: "long", type: "conjunction" }),
}));

effect(() => {
  document.documentElement.lang = language.value;
});

/** Settled when the page can speak: in the language of this device, or in English where that cannot be had. */
export const ready: Promise<void> = speak(load("language", isLanguage) ?? fromBrowser()).catch(() => undefined);

/** Rejects where the language cannot be had; then nothing changes. */
export async function setLanguage(next: Language): Promise<void> {
  await speak(next);
  save("language", next);
}

async function speak(next: Language): Promise<void> {
  const dictionary = await DICTIONARIES[next]();
  batch(() => {
    language.value = next;
    words.value = dictionary;
  });
}

export function formatTime(date: Date): string {
  return formats.value.time.format(date);
}

export function formatFull(date: Date): string {
  return formats.value.full.format(date);
}

/** A moment to come: its time, and its day where that is not today. */
export function formatUntil(date: Date): string {
  const { time, date: dated } = formats.value;
  return (date.toDateString() === new Date().toDateString() ? time : dated).format(date);
}

/** A moment that is over, with its day. */
export function formatDate(date: Date): string {
  return formats.value.date.format(date);
}

const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
] as const;

/** How long something lasts, in its largest unit, for instance "3 hours". */
export function formatSpan(seconds: number): string {
  const [unit, length] = UNITS.find(([, one]) => seconds >= one) ?? ["second", 1];
  const format = new Intl.NumberFormat(language.value, { style: "unit", unit, unitDisplay: "long" });
  return format.format(Math.ceil(seconds / length));
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
