/** One room in a list: what it is called, how many are in it, what is unread. */
import { useEffect, useRef } from "preact/hooks";
import type { Room } from "../../client";
import { words } from "../i18n";
import { titleOf } from "../model/room-title";
import { currentRoom, goToRoom } from "../model/route";
import { Avatar, hueOf } from "./avatar";
import { Icon } from "./icons";

export function RoomLink({ room, unread }: { room: Room; unread: string | undefined }) {
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
        <RoomBadge room={room} />
        <span class="room-link-text">
          <bdi class="room-link-name">{titleOf(room)}</bdi>
          <span class="room-link-count">{room.visibility === "direct" ? t.directRoom : describe(room)}</span>
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

/** A sign for what kind of room it is; the words stand beside it. */
export function RoomBadge({ room }: { room: Room }) {
  if (room.with !== undefined) return <Avatar id={room.with.id} nickname={room.with.nickname} />;
  return (
    <span class="room-badge" style={{ "--hue": String(hueOf(room.id)) }} aria-hidden="true">
      {room.visibility === "private" ? <Icon name="lock" /> : "#"}
    </span>
  );
}

function describe(room: Room): string {
  const t = words.value;
  const count = t.memberCount(room.members);
  if (room.closed === true) return `${t.closedRoom} · ${count}`;
  return room.visibility === "private" ? `${t.privateRoom} · ${count}` : count;
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
