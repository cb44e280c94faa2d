/** Links that let people into a room: made, copied once, listed, ended. */
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Caller } from "../../client";
import { endLink, links, makeLink, type InvitationLink } from "../../client/invitations";
import { formatDate } from "../i18n";
import { announce } from "../model/announce";
import { explain } from "../model/refusals";
import { Problem } from "../parts/dialog";
import { rareWords } from "./words";

const SPANS = ["3600", "86400", "604800"];
const USUAL = "604800";

export function Links({ caller, room }: { caller: Caller; room: string }) {
  const r = rareWords.value;
  const [seconds, setSeconds] = useState(USUAL);
  const [made, setMade] = useState<string>();
  const [list, setList] = useState<readonly InvitationLink[]>([]);
  const [problem, setProblem] = useState<string>();
  const id = useId();

  const attempt = async (work: () => Promise<void>) => {
    setProblem(undefined);
    try {
      await work();
      setList(await links(caller, room));
    } catch (error) {
      setProblem(explain(error));
    }
  };
  useEffect(() => void attempt(async () => undefined), [caller, room]);

  return (
    <section>
      <h3>{r.linkTitle}</h3>
      <p>{r.linkText}</p>
      <form
        class="in-line"
        onSubmit={(event) => {
          event.preventDefault();
          void attempt(async () => setMade(addressOf((await makeLink(caller, room, Number(seconds))).token)));
        }}
      >
        <div class="field">
          <label for={id}>{r.validFor}</label>
          <select id={id} value={seconds} onChange={(event) => setSeconds(event.currentTarget.value)}>
            {SPANS.map((one) => (
              <option key={one} value={one}>
                {r.durations[one]}
              </option>
            ))}
          </select>
        </div>
        <button type="submit" class="button">
          {r.makeLink}
        </button>
      </form>
      {made !== undefined && <Made key={made} address={made} />}
      <Problem text={problem} />
      {list.length > 0 && (
        <ul class="entries" tabIndex={-1} aria-label={r.links}>
          {list.map((link) => {
            const until = formatDate(new Date(link.expires_at));
            return (
              <li key={link.id}>
                <span class="entry-text">
                  {r.linkUntil(until)}
                  {link.uses !== undefined && <small>{r.linkUses(link.uses - (link.used ?? 0))}</small>}
                </span>
                <button
                  type="button"
                  class="button button-small"
                  aria-label={r.endLinkOf(until)}
                  onClick={(event) => {
                    event.currentTarget.closest<HTMLElement>(".entries")?.focus();
                    void attempt(() => endLink(caller, room, link.id));
                  }}
                >
                  {r.endLink}
                </button>
              </li>
            );
          })}
        </ul>
      )}
    </section>
  );
}

/** The link, which is told only now. */
function Made({ address }: { address: string }) {
  const r = rareWords.value;
  const input = useRef<HTMLInputElement>(null);
  const [said, setSaid] = useState<string>();
  const copy = async () => {
    input.current?.select();
    // Without a secure connection a browser lets no page write to the clipboard.
    const copied = await Promise.resolve(navigator.clipboard?.writeText(address)).then(
      () => navigator.clipboard !== undefined,
      () => false,
    );
    const text = copied ? r.copied : r.copyFailed;
    setSaid(text);
    announce(text);
  };
  useEffect(() => input.current?.focus(), []);
  return (
    <div class="in-line">
      <div class="field">
        <label for="made-link">{r.linkLabel}</label>
        <input
          ref={input}
          id="made-link"
          type="text"
          readOnly
          value={address}
          onFocus={(event) => event.currentTarget.select()}
        />
        {said !== undefined && <div class="field-hint field-good">{said}</div>}
      </div>
      <button type="button" class="button button-primary" onClick={() => void copy()}>
        {r.copy}
      </button>
    </div>
  );
}

function addressOf(token: string): string {
  return `${location.origin}/#invite=${token}`;
}
