/** Who is muted in a room, or banned from it, and how to lift that. */
import { useEffect, useState } from "preact/hooks";
import type { Caller } from "../../client";
import { bans, mutes, unban, unmute, type Denied } from "../../client/moderation";
import { explain, explainDenial } from "../model/refusals";
import { denialOf } from "../model/standing";
import { Avatar } from "../parts/avatar";
import { Problem } from "../parts/dialog";
import { rareWords } from "./words";

const WAYS = { mutes: { list: mutes, lift: unmute }, bans: { list: bans, lift: unban } };

export function DeniedPeople({ caller, room, what }: { caller: Caller; room: string; what: keyof typeof WAYS }) {
  const r = rareWords.value;
  const [list, setList] = useState<readonly Denied[]>([]);
  const [problem, setProblem] = useState<string>();
  const way = WAYS[what];
  const title = what === "mutes" ? r.mutedPeople : r.bannedPeople;

  const attempt = async (work: () => Promise<void>) => {
    setProblem(undefined);
    try {
      await work();
      setList(await way.list(caller, room));
    } catch (error) {
      setProblem(explain(error));
    }
  };
  useEffect(() => void attempt(async () => undefined), [caller, room]);

  if (list.length === 0 && problem === undefined) return null;
  return (
    <section>
      <h3>{title}</h3>
      <Problem text={problem} />
      <ul class="entries" tabIndex={-1} aria-label={title}>
        {list.map(({ user, until, reason }) => {
          const denial = denialOf(until ?? null, reason, Date.now());
          return (
            <li key={user.id}>
              <Avatar id={user.id} nickname={user.nickname} />
              <span class="entry-text">
                <bdi>{user.nickname}</bdi>
                {denial !== undefined && <small>{explainDenial(denial)}</small>}
              </span>
              <button
                type="button"
                class="button button-small"
                aria-label={r.liftOf(user.nickname)}
                onClick={(event) => {
                  event.currentTarget.closest<HTMLElement>(".entries")?.focus();
                  void attempt(() => way.lift(caller, room, user.id));
                }}
              >
                {r.lift}
              </button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
