/** One room on screen: its head, its messages, the composer, and who is there. */
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Room as RoomValue } from "../../client";
import { words } from "../i18n";
import type { Conversation } from "../model/conversation";
import { drop, leaveRoom } from "../model/conversations";
import { explain } from "../model/refusals";
import { looksAfter } from "../model/powers";
import { findRoom, titleOf } from "../model/room-title";
import { goToList } from "../model/route";
import { connection, isAdmin, type Session } from "../model/session";
import { load, save } from "../model/storage";
import { Confirm } from "./dialog";
import { Icon } from "./icons";
import { lazy } from "./lazy";
import { Members } from "./members";
import { MessageList } from "./message-list";
import { RoomFoot } from "./room-foot";

const LookAfter = lazy(() => import("../rare/look-after").then((file) => file.LookAfter));

const isBoolean = (value: unknown): value is boolean => typeof value === "boolean";
const WIDE = matchMedia("(min-width: 70rem)");
/** On a wide screen the members are shown unless somebody closed them; on a narrow one only when asked for. */
const membersShown = signal(WIDE.matches && (load("members", isBoolean) ?? true));

export function Room({ session, conversation }: { session: Session; conversation: Conversation }) {
  void conversation.version.value;
  const t = words.value;
  const { feed } = conversation;
  const room = findRoom(conversation.id) ?? feed.room;
  const name = room === undefined ? "" : titleOf(room);
  const toggle = useRef<HTMLButtonElement>(null);

  // What one may do here is learnt when one comes in, and when that ends, which may have reasons and a time.
  useEffect(() => {
    if (feed.state === "live" || feed.state === "parted") void conversation.learnStanding();
  }, [conversation, feed.state]);

  const showMembers = (shown: boolean) => {
    membersShown.value = shown;
    if (WIDE.matches) save("members", shown);
    if (!shown) toggle.current?.focus();
  };

  return (
    <section class="room" aria-label={name}>
      <Head
        session={session}
        room={room}
        membersRef={toggle}
        conversation={conversation}
        onMembers={() => showMembers(!membersShown.value)}
      />
      <div class="room-body">
        <div class="room-talk">
          {feed.state === "refused" ? (
            <Refused session={session} conversation={conversation} />
          ) : feed.position === undefined ? (
            <div class="empty" role="status">
              <p>{t.loadingRoom}</p>
            </div>
          ) : (
            <MessageList session={session} conversation={conversation} title={name} />
          )}
          {feed.state !== "refused" && <RoomFoot session={session} conversation={conversation} room={room} title={name} />}
        </div>
        {membersShown.value && feed.state !== "refused" && (
          <Members session={session} conversation={conversation} room={room} onClose={() => showMembers(false)} />
        )}
      </div>
    </section>
  );
}

interface HeadProps {
  session: Session;
  room: RoomValue | undefined;
  conversation: Conversation;
  membersRef: { current: HTMLButtonElement | null };
  onMembers: () => void;
}

function Head({ session, room, conversation, membersRef, onMembers }: HeadProps) {
  void conversation.version.value;
  const t = words.value;
  const [asking, setAsking] = useState(false);
  const [lookingAfter, setLookingAfter] = useState(false);
  const name = room === undefined ? "" : titleOf(room);
  const actor = { id: conversation.me.id, role: conversation.standing.value?.role, admin: isAdmin.value };
  const cared = room?.visibility !== undefined && room.visibility !== "direct" && room.closed !== true;
  const [problem, setProblem] = useState<string>();
  const title = useRef<HTMLHeadingElement>(null);

  // Without a pointer that could write at once, the heading tells a screen reader where one is.
  useEffect(() => {
    if (!matchMedia("(pointer: fine)").matches) title.current?.focus();
  }, [conversation]);

  const leave = async () => {
    try {
      await leaveRoom(conversation.id);
      goToList();
    } catch (error) {
      setProblem(`${t.leaveFailed} ${explain(error)}`);
    }
  };

  return (
    <header class="room-head">
      <button type="button" class="icon-button back-button" aria-label={t.back} title={t.back} onClick={goToList}>
        <Icon name="back" />
      </button>
      <div class="room-title">
        <h2 ref={title} tabIndex={-1}>
          <bdi>{name}</bdi>
        </h2>
        <p>
          {room !== undefined && <span>{describe(room)}</span>}
          <By />
        </p>
      </div>
      {conversation.feed.state !== "refused" && (
        <>
          <button
            ref={membersRef}
            type="button"
            class="icon-button"
            aria-label={membersShown.value ? t.hideMembers : t.showMembers}
            title={membersShown.value ? t.hideMembers : t.showMembers}
            aria-expanded={membersShown.value}
            onClick={onMembers}
          >
            <Icon name="people" />
          </button>
          {cared && looksAfter(actor) && (
            <button
              type="button"
              class="icon-button"
              aria-haspopup="dialog"
              aria-label={t.roomMenu}
              title={t.roomMenu}
              onClick={() => setLookingAfter(true)}
            >
              <Icon name="shield" />
            </button>
          )}
          <button type="button" class="icon-button" aria-label={t.leave} title={t.leave} onClick={() => setAsking(true)}>
            <Icon name="leave" />
          </button>
        </>
      )}
      {lookingAfter && room !== undefined && (
        <LookAfter session={session} room={room} actor={actor} onClose={() => setLookingAfter(false)} />
      )}
      {asking && (
        <Confirm
          title={t.leaveQuestion(name)}
          text={room?.visibility === "private" && actor.role !== "owner" ? t.leavePrivateWarning : t.leaveWarning}
          confirm={t.leave}
          cancel={t.cancel}
          error={problem}
          onConfirm={() => void leave()}
          onCancel={() => setAsking(false)}
        />
      )}
    </header>
  );
}

/** How one is connected now. */
function By() {
  const t = words.value;
  const state = connection.value;
  if (state.phase !== "connected") return null;
  return (
    <span class="room-way" title={t.connectedBy(t.ways[state.way])}>
      <span class="visually-hidden">{t.connection}: </span>
      {t.ways[state.way]}
    </span>
  );
}

function Refused({ session, conversation }: { session: Session; conversation: Conversation }) {
  void conversation.version.value;
  const t = words.value;
  const { refusal } = conversation.feed;
  const away = () => {
    drop(conversation.id);
    goToList();
  };
  return (
    <div class="empty" role="alert">
      <p class="empty-title">{refusal?.code === "room_not_found" ? t.roomGone : explain(refusal)}</p>
      <div class="empty-actions">
        {refusal?.code !== "room_not_found" && (
          <button type="button" class="button" onClick={() => session.client.open(conversation.id)}>
            {t.retry}
          </button>
        )}
        <button type="button" class="button" onClick={away}>
          {t.toRooms}
        </button>
      </div>
    </div>
  );
}

/** What kind of room it is, and how many are in it. */
function describe(room: RoomValue): string {
  const t = words.value;
  if (room.visibility === "direct") return t.directRoom;
  const count = t.memberCount(room.members);
  return room.visibility === "private" ? `${t.privateRoom} · ${count}` : count;
}
