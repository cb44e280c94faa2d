/** In the place of the composer: what is denied, why, until when, and how long that still is. */
import { useEffect, useRef } from "preact/hooks";
import { formatSpan, words } from "../i18n";
import { announce } from "../model/announce";
import { explainDenial } from "../model/refusals";
import type { Denial } from "../model/standing";
import { Icon } from "./icons";

export function Denied({ title, denial, now }: { title: string; denial: Denial; now: number }) {
  const element = useRef<HTMLDivElement>(null);
  const explained = explainDenial(denial);
  useTakeFocus(element);
  useEffect(() => announce(`${title} ${explained}`), [title, explained]);
  return (
    <div ref={element} class="denied" role="region" aria-label={title} tabIndex={-1}>
      <Icon name="clock" />
      <p>
        <strong>{title}</strong> <span>{explained}</span>
      </p>
      <TimeLeft denial={denial} now={now} />
    </div>
  );
}

/** It changes every second, so no screen reader is told of it unasked. */
export function TimeLeft({ denial, now }: { denial: Denial; now: number }) {
  if (denial.until === undefined) return null;
  const seconds = Math.max(1, Math.ceil((denial.until.getTime() - now) / 1000));
  return <span class="time-left">{words.value.stillFor(formatSpan(seconds))}</span>;
}

/** What takes the place of the composer takes its focus too, which would otherwise be nowhere. */
export function useTakeFocus(element: { readonly current: HTMLElement | null }): void {
  useEffect(() => {
    if (document.activeElement === document.body) element.current?.focus();
  }, [element]);
}
