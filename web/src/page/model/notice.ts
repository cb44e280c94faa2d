/** One thing that somebody should be told, wherever they are on the page, until they have read it. */
import { signal } from "@preact/signals";

export const notice = signal<string | undefined>(undefined);

export function tell(text: string): void {
  notice.value = text;
}

export function dismissNotice(): void {
  notice.value = undefined;
}
