/** Which room is on screen: the part of the address after `#/rooms/`, so links and the back button work. */
import { computed, signal } from "@preact/signals";

const hash = signal(location.hash);

addEventListener("hashchange", () => {
  hash.value = location.hash;
});

export const currentRoom = computed(() => {
  const match = /^#\/rooms\/([^/]+)$/.exec(hash.value);
  return match?.[1] === undefined ? undefined : decode(match[1]);
});

export function goToRoom(id: string): void {
  location.hash = `#/rooms/${encodeURIComponent(id)}`;
}

export function goToList(): void {
  location.hash = "#/";
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
