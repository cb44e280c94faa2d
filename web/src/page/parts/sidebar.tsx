/** The left side: who I am, what I am invited to, the rooms I am in, all rooms with their search. */
import { useEffect, useRef, useState } from "preact/hooks";
import { words } from "../i18n";
import { query } from "../model/rooms";
import type { Session } from "../model/session";
import { AllRooms, MyRooms } from "./room-lists";
import { Icon, Mark } from "./icons";
import { Invitations } from "./invitations";
import { Myself } from "./myself";
import { NewRoom } from "./new-room";

export function Sidebar({ session }: { session: Session }) {
  const t = words.value;
  const [making, setMaking] = useState<string>();
  const title = useRef<HTMLHeadingElement>(null);
  // The entrance took the focus with it when it went.
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
        <Invitations />
        <MyRooms />
        <AllRooms session={session} onMake={setMaking} />
      </div>
      <Myself session={session} />
      {making !== undefined && (
        <NewRoom client={session.client} suggestion={making} onClose={() => setMaking(undefined)} />
      )}
    </nav>
  );
}
