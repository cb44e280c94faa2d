/** The page as a whole: the entrance, or the rooms beside the one that is open. */
import { useSignalEffect } from "@preact/signals";
import { words } from "./i18n";
import { announcement } from "./model/announce";
import { current, totalUnread } from "./model/conversations";
import { currentRoom } from "./model/route";
import { session } from "./model/session";
import { Banner } from "./parts/banner";
import { Entrance } from "./parts/entrance";
import { Mark } from "./parts/icons";
import { Notice } from "./parts/notice";
import { Room } from "./parts/room";
import { Sidebar } from "./parts/sidebar";

export function App() {
  useSignalEffect(() => {
    const unread = totalUnread.value;
    document.title = unread > 0 ? `(${unread}) Klatsch` : "Klatsch";
  });
  return (
    <>
      {session.value === undefined ? <Entrance /> : <Chat session={session.value} />}
      <div class="visually-hidden" role="status" aria-live="polite">
        {announcement.value}
      </div>
    </>
  );
}

function Chat({ session: now }: { session: NonNullable<typeof session.value> }) {
  const conversation = current.value;
  return (
    <div class={currentRoom.value === undefined ? "chat at-list" : "chat at-room"}>
      <Banner session={now} />
      <Notice />
      <main class="chat-columns">
        <Sidebar session={now} />
        {conversation === undefined ? (
          <Nowhere />
        ) : (
          <Room key={conversation.id} session={now} conversation={conversation} />
        )}
      </main>
    </div>
  );
}

function Nowhere() {
  const t = words.value;
  return (
    <section class="room">
      <div class="empty">
        <Mark />
        <p class="empty-title">{t.chooseRoom}</p>
        <p>{t.chooseRoomHint}</p>
      </div>
    </section>
  );
}
