/**
 * What the page remembers on this device, as JSON under `klatsch.*`.
 * A browser that forbids storage loses the memory, never the page.
 */
const PREFIX = "klatsch.";

/** Where something is remembered: by the device, or by this tab until it is closed. */
type Place = "localStorage" | "sessionStorage";
export const TAB: Place = "sessionStorage";

/** What is stored under `key`, or undefined where it is absent or not what `accepts` expects. */
export function load<Value>(
  key: string,
  accepts: (value: unknown) => value is Value,
  place: Place = "localStorage",
): Value | undefined {
  try {
    const value: unknown = JSON.parse(window[place].getItem(PREFIX + key) ?? "null");
    return accepts(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function save(key: string, value: unknown, place: Place = "localStorage"): void {
  try {
    window[place].setItem(PREFIX + key, JSON.stringify(value));
  } catch {
    // Full or forbidden: the page works without its memory.
  }
}

export function forget(key: string, place: Place = "localStorage"): void {
  try {
    window[place].removeItem(PREFIX + key);
  } catch {
    // Forbidden: then there was nothing.
  }
}

/** Calls `listener` when another tab changed what is stored under `key`, or all of it. */
export function onChangedElsewhere(key: string, listener: () => void): void {
  addEventListener("storage", (event) => {
    if (event.key === PREFIX + key || event.key === null) listener();
  });
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
