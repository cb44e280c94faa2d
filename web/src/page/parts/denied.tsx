/** In the place of the composer: what is denied, why, until when, and how long that still is. */
import { formatSpan, words } from "../i18n";
import { explainDenial } from "../model/refusals";
import type { Denial } from "../model/standing";
import { Icon } from "./icons";

export function Denied({ title, denial, now }: { title: string; denial: Denial; now: number }) {
  return (
    <div class="denied" role="region" aria-label={title}>
      <Icon name="clock" />
      <p role="status">
        <strong>{title}</strong> <span>{explainDenial(denial)}</span>
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
