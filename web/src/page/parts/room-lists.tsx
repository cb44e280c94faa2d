/** The rooms one is in, and all that anybody may enter. */
import type { Room } from "../../client";
import { words } from "../i18n";
import { myConversations } from "../model/conversations";
import { ownRooms } from "../model/own-rooms";
import { findRoom, titleOf } from "../model/room-title";
import { foundRooms, hasMoreRooms, loadMoreRooms, loadRooms, matches, query, rooms, roomsState } from "../model/rooms";
import type { Session } from "../model/session";
import { Icon } from "./icons";
import { RoomLink } from "./room-link";

export function MyRooms() {
  const t = words.value;
  const wanted = query.value.trim();
  const conversations = myConversations.value;
  // Not all of many rooms are followed; the others are listed behind them.
  const followed = new Set(conversations.map(({ id }) => id));
  const others = ownRooms.value.filter(({ id }) => !followed.has(id));
  if (conversations.length + others.length === 0 || wanted !== "") return null;
  return (
    <section aria-labelledby="my-rooms">
      <h2 id="my-rooms">{t.myRooms}</h2>
      <ul class="room-list">
        {conversations.map((conversation) => {
          // Read for its sake: the name of the room arrives with the feed.
          void conversation.version.value;
          const room = findRoom(conversation.id) ?? conversation.feed.room;
          if (room === undefined) return null;
          const partial = conversation.unreadIsPartial ? "+" : "";
          const unread = conversation.unread.value > 0 ? `${conversation.unread.value}${partial}` : undefined;
          return <RoomLink key={room.id} room={room} unread={unread} />;
        })}
        {others.map((room) => (
          <RoomLink key={room.id} room={room} unread={undefined} />
        ))}
      </ul>
    </section>
  );
}

export function AllRooms({ session, onMake }: { session: Session; onMake: (name: string) => void }) {
  const t = words.value;
  const wanted = query.value.trim();
  const found = wanted === "" ? unentered() : searched(wanted);
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

function unentered(): Room[] {
  const mine = new Set([...myConversations.value, ...ownRooms.value].map(({ id }) => id));
  return foundRooms.value.filter(({ id }) => !mine.has(id));
}

/** What a search finds among the rooms one is in, private ones too, and then among all. */
function searched(wanted: string): Room[] {
  const own = ownRooms.value.filter((room) => matches(titleOf(room), wanted));
  const known = new Set(own.map(({ id }) => id));
  return [...own, ...foundRooms.value.filter(({ id }) => !known.has(id))];
}
