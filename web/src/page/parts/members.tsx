/** Who is in the room, kept up to date by its own records. */
import { useEffect, useState } from "preact/hooks";
import { isMember, type RoomRecord, type User } from "../../client";
import { words } from "../i18n";
import type { Conversation } from "../model/conversation";
import { explain } from "../model/refusals";
import type { Session } from "../model/session";
import { Avatar } from "./avatar";
import { Icon } from "./icons";

const PAGE = 200;

interface Props {
  session: Session;
  conversation: Conversation;
  onClose: () => void;
}

export function Members({ session, conversation, onClose }: Props) {
  const t = words.value;
  const { members, next, problem, loadMore } = useMembers(session, conversation);
  return (
    <aside
      class="members"
      aria-label={t.members}
      onKeyDown={(event) => {
        if (event.key === "Escape") onClose();
      }}
    >
      <header class="members-head">
        <h2>{t.members}</h2>
        <button type="button" class="icon-button" aria-label={t.hideMembers} onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      {problem !== undefined && <p class="list-note">{problem}</p>}
      <ul class="member-list">
        {members.map((user) => (
          <li key={user.id}>
            <Avatar id={user.id} nickname={user.nickname} />
            <bdi>{user.nickname}</bdi>
            {user.id === conversation.me.id && <span class="tag">{t.you}</span>}
          </li>
        ))}
      </ul>
      {next !== null && (
        <button type="button" class="button button-small more-rooms" onClick={loadMore}>
          {t.moreMembers}
        </button>
      )}
    </aside>
  );
}

function useMembers(session: Session, conversation: Conversation) {
  const [members, setMembers] = useState<readonly User[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [problem, setProblem] = useState<string>();
  const { client } = session;

  const load = async (after: string | undefined) => {
    // Who comes or goes while the answer is on its way must not be overwritten by it.
    const meanwhile: RoomRecord[] = [];
    const stop = conversation.feed.on("appended", (records) => meanwhile.push(...records));
    try {
      const page = await client.api.members(conversation.id, after === undefined ? { limit: PAGE } : { limit: PAGE, after });
      setMembers((before) => follow(merge(after === undefined ? [] : before, page.members), meanwhile));
      setNext(page.next);
      setProblem(undefined);
    } catch (error) {
      setProblem(explain(error));
    } finally {
      stop();
    }
  };

  useEffect(() => {
    void load(undefined);
    const stops = [
      client.on("connected", () => void load(undefined)),
      conversation.feed.on("appended", (records) => setMembers((before) => follow(before, records))),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, [client, conversation]);

  return { members, next, problem, loadMore: () => void load(next ?? undefined) };
}

function merge(members: readonly User[], more: readonly User[]): readonly User[] {
  const known = new Set(members.map((user) => user.id));
  return [...members, ...more.filter((user) => !known.has(user.id))];
}

function follow(members: readonly User[], records: readonly RoomRecord[]): readonly User[] {
  let now = members;
  for (const record of records) {
    if (!isMember(record)) continue;
    const others = now.filter((user) => user.id !== record.sender.id);
    if (record.kind === "left") now = others;
    else if (others.length === now.length) now = [...now, record.sender];
  }
  return now;
}
