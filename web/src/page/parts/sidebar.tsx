/** The left side: who I am, the rooms I am in, all rooms with their search. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Room } from "../../client";
import { words } from "../i18n";
import { myConversations } from "../model/conversations";
import { foundRooms, hasMoreRooms, loadMoreRooms, loadRooms, query, rooms, roomsState } from "../model/rooms";
import { currentRoom, goToRoom } from "../model/route";
import { signOut, type Session } from "../model/session";
import { Avatar, hueOf } from "./avatar";
import { ChooseConnection } from "./choose-connection";
import { Confirm } from "./dialog";
import { Icon, Mark } from "./icons";
import { NewRoom } from "./new-room";
import { Preferences } from "./preferences";

export function Sidebar({ session }: { session: Session }) {
  const t = words.value;
  const [making, setMaking] = useState<string>();
  const title = useRef<HTMLHeadingElement>(null);
  // The sign-in form took the focus with it when it went.
  useEffect(() => {
    if (document.activeElement === document.body) title.current?.focus();
  }, []);
  return (
    <nav class="sidebar" aria-label={t.rooms}>
      <header class="sidebar-head">
        <Mark />
        <h1 ref={title} tabIndex={-1}>
          Klatsch
        </h1>
        <button type="button" class="button button-small" onClick={() => setMaking("")}>
          <Icon name="plus" />
          {t.newRoom}
        </button>
      </header>
      <search class="search">
        <Icon name="search" />
        <input
          type="search"
          aria-label={t.searchRooms}
          placeholder={t.searchRooms}
          value={query.value}
          onInput={(event) => {
            query.value = event.currentTarget.value;
          }}
        />
      </search>
      <div class="room-lists">
        <MyRooms />
        <AllRooms session={session} onMake={setMaking} />
      </div>
      <Me session={session} />
      {making !== undefined && (
        <NewRoom client={session.client} suggestion={making} onClose={() => setMaking(undefined)} />
      )}
    </nav>
  );
}

function MyRooms() {
  const t = words.value;
  const wanted = query.value.trim();
  const conversations = myConversations.value;
  if (conversations.length === 0 || wanted !== "") return null;
  return (
    <section aria-labelledby="my-rooms">
      <h2 id="my-rooms">{t.myRooms}</h2>
      <ul class="room-list">
        {conversations.map((conversation) => {
          // Read for its sake: the name of the room arrives with the feed.
          void conversation.version.value;
          const room = rooms.value.find((one) => one.id === conversation.id) ?? conversation.feed.room;
          if (room === undefined) return null;
          const partial = conversation.unreadIsPartial ? "+" : "";
          const unread = conversation.unread.value > 0 ? `${conversation.unread.value}${partial}` : undefined;
          return <RoomLink key={room.id} room={room} unread={unread} />;
        })}
      </ul>
    </section>
  );
}

function AllRooms({ session, onMake }: { session: Session; onMake: (name: string) => void }) {
  const t = words.value;
  const wanted = query.value.trim();
  const mine = new Set(wanted === "" ? myConversations.value.map((one) => one.id) : []);
  const found = foundRooms.value.filter((room) => !mine.has(room.id));
  return (
    <section aria-labelledby="all-rooms">
      <h2 id="all-rooms">{t.otherRooms}</h2>
      <ul class="room-list">
        {found.map((room) => (
          <RoomLink key={room.id} room={room} unread={undefined} />
        ))}
      </ul>
      {roomsState.value === "failed" && (
        <div class="list-note" role="status">
          <p>{t.roomsFailed}</p>
          <button type="button" class="button button-small" onClick={() => void loadRooms(session.client)}>
            {t.retry}
          </button>
        </div>
      )}
      {roomsState.value === "ready" && rooms.value.length === 0 && wanted === "" && (
        <div class="list-note">
          <p class="list-note-title">{t.noRooms}</p>
          <p>{t.noRoomsHint}</p>
        </div>
      )}
      {wanted !== "" && found.length === 0 && roomsState.value === "ready" && (
        <div class="list-note" role="status">
          <p class="list-note-title">{t.noMatch(wanted)}</p>
          <button type="button" class="button button-small" onClick={() => onMake(wanted)}>
            <Icon name="plus" />
            {t.makeIt(wanted)}
          </button>
        </div>
      )}
      {hasMoreRooms.value && wanted === "" && (
        <button
          type="button"
          class="button button-small more-rooms"
          onClick={() => void loadMoreRooms(session.client).catch(() => undefined)}
        >
          {t.moreRooms}
        </button>
      )}
    </section>
  );
}

function RoomLink({ room, unread }: { room: Room; unread: string | undefined }) {
  const t = words.value;
  const selected = currentRoom.value === room.id;
  const link = useRef<HTMLAnchorElement>(null);
  useFocusOnReturn(link, room.id);
  return (
    <li>
      <a
        ref={link}
        class="room-link"
        href={`#/rooms/${encodeURIComponent(room.id)}`}
        aria-current={selected ? "page" : undefined}
        onClick={(event) => {
          event.preventDefault();
          goToRoom(room.id);
        }}
      >
        <span class="room-badge" style={{ "--hue": String(hueOf(room.id)) }} aria-hidden="true">
          #
        </span>
        <span class="room-link-text">
          <bdi class="room-link-name">{room.name}</bdi>
          <span class="room-link-count">{t.memberCount(room.members)}</span>
        </span>
        {unread !== undefined && (
          <span class="unread-badge">
            <span aria-hidden="true">{unread}</span>
            <span class="visually-hidden">{t.unreadCount(unread)}</span>
          </span>
        )}
      </a>
    </li>
  );
}

/** Which room the list was left for; coming back puts the focus on it again. */
let leftFor: string | undefined;

function useFocusOnReturn(link: { readonly current: HTMLAnchorElement | null }, id: string): void {
  const here = currentRoom.value;
  useEffect(() => {
    if (here === id) leftFor = id;
    if (here === undefined && leftFor === id) {
      leftFor = undefined;
      link.current?.focus();
    }
  }, [here, id, link]);
}

function Me({ session }: { session: Session }) {
  const t = words.value;
  const [asking, setAsking] = useState(false);
  const { id, nickname } = session.user;
  return (
    <footer class="me">
      <div class="me-who">
        <Avatar id={id} nickname={nickname} />
        <span class="visually-hidden">{t.signedInAs(nickname)}</span>
        <bdi class="me-name" aria-hidden="true">
          {nickname}
        </bdi>
        <button
          type="button"
          class="icon-button"
          aria-label={t.signOut}
          title={t.signOut}
          onClick={() => setAsking(true)}
        >
          <Icon name="leave" />
        </button>
      </div>
      <Preferences />
      <ChooseConnection />
      {asking && (
        <Confirm
          title={t.signOutQuestion}
          text={t.signOutWarning(nickname)}
          confirm={t.signOut}
          cancel={t.cancel}
          onConfirm={signOut}
          onCancel={() => setAsking(false)}
        />
      )}
    </footer>
  );
}
