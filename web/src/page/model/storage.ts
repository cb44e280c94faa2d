/**
 * What the page remembers on this device, as JSON under `klatsch.*`.
 * A browser that forbids storage loses the memory, never the page.
 */
const PREFIX = "klatsch.";

/** What is stored under `key`, or undefined where it is absent or not what `accepts` expects. */
export function load<Value>(key: string, accepts: (value: unknown) => value is Value): Value | undefined {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(PREFIX + key) ?? "null");
    return accepts(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function save(key: string, value: unknown): void {
  try {
    localStorage.setItem(PREFIX + key, JSON.stringify(value));
  } catch {
    // Full or forbidden: the page works without its memory.
  }
}

export function forget(key: string): void {
  try {
    localStorage.removeItem(PREFIX + key);
  } catch {
    // Forbidden: then there was nothing.
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
