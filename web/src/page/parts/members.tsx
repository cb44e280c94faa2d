/** Who is in the room, kept up to date by its own records. */
import { useEffect, useState } from "preact/hooks";
import type { Member, Room, RoomRecord } from "../../client";
import { words } from "../i18n";
import type { Conversation } from "../model/conversation";
import { followMembers, mergeMembers } from "../model/members";
import { knowsOwnRooms } from "../model/own-rooms";
import { mayModerate, type Actor } from "../model/powers";
import { explain } from "../model/refusals";
import { isAdmin, type Session } from "../model/session";
import { Avatar } from "./avatar";
import { Icon } from "./icons";
import { lazy } from "./lazy";

const PAGE = 200;
const Person = lazy(() => import("../rare/person").then((file) => file.Person));

interface Props {
  session: Session;
  conversation: Conversation;
  room: Room | undefined;
  onClose: () => void;
}

export function Members({ session, conversation, room, onClose }: Props) {
  const t = words.value;
  const [chosen, setChosen] = useState<Member>();
  const actor: Actor = { id: conversation.me.id, role: conversation.standing.value?.role, admin: isAdmin.value };
  const direct = room?.visibility === "direct";
  /** Whether there is anything one can do about somebody. */
  const reachable = (member: Member) =>
    member.id !== actor.id && !direct && (knowsOwnRooms.value === true || mayModerate(actor, member));
  const { members, next, problem, loadMore } = useMembers(session, conversation);
  return (
    <aside
      class="members"
      aria-label={t.members}
      onKeyDown={(event) => {
        // A dialog that is open here closes first, and alone.
        if (event.key === "Escape" && chosen === undefined) onClose();
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
        {members.map((member) => (
          <li key={member.id}>
            <Avatar id={member.id} nickname={member.nickname} />
            <bdi>{member.nickname}</bdi>
            {member.id === actor.id && <span class="tag">{t.you}</span>}
            {member.role !== undefined && member.role !== "member" && <span class="tag tag-role">{t.roles[member.role]}</span>}
            {reachable(member) && (
              <button
                type="button"
                class="icon-button"
                aria-haspopup="dialog"
                aria-label={t.personMenu(member.nickname)}
                title={t.personMenu(member.nickname)}
                onClick={() => setChosen(member)}
              >
                <Icon name="more" />
              </button>
            )}
          </li>
        ))}
      </ul>
      {next !== null && (
        <button type="button" class="button button-small more-rooms" onClick={loadMore}>
          {t.moreMembers}
        </button>
      )}
      {chosen !== undefined && (
        <Person
          session={session}
          room={conversation.id}
          person={members.find(({ id }) => id === chosen.id) ?? chosen}
          actor={actor}
          onClose={() => setChosen(undefined)}
        />
      )}
    </aside>
  );
}

function useMembers(session: Session, conversation: Conversation) {
  const [members, setMembers] = useState<readonly Member[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [problem, setProblem] = useState<string>();
  const { client } = session;

  const load = async (after: string | undefined) => {
    // Who comes or goes while the answer is on its way must not be overwritten by it.
    const meanwhile: RoomRecord[] = [];
    const stop = conversation.feed.on("appended", (records) => meanwhile.push(...records));
    try {
      const page = await client.api.members(conversation.id, after === undefined ? { limit: PAGE } : { limit: PAGE, after });
      setMembers((before) => followMembers(mergeMembers(after === undefined ? [] : before, page.members), meanwhile));
      setNext(page.next);
      setProblem(undefined);
    } catch (error) {
      setProblem(explain(error));
    } finally {
      stop();
    }
  };

  // Who may not read the room yet is no member yet; and after a break in the connection all may be others.
  void conversation.version.value;
  const live = conversation.feed.state === "live";
  useEffect(() => {
    if (live) void load(undefined);
  }, [client, conversation, live]);
  useEffect(
    () => conversation.feed.on("appended", (records) => setMembers((before) => followMembers(before, records))),
    [conversation],
  );

  return { members, next, problem, loadMore: () => void load(next ?? undefined) };
}
