/** What one is invited to: to be entered or declined. */
import { useState } from "preact/hooks";
import type { Room } from "../../client";
import { words } from "../i18n";
import { myConversations } from "../model/conversations";
import { decline, invitations } from "../model/own-rooms";
import { explain } from "../model/refusals";
import { titleOf } from "../model/room-title";
import { goToRoom } from "../model/route";
import { Problem } from "./dialog";
import { RoomBadge } from "./room-link";

export function Invitations() {
  const t = words.value;
  const [problem, setProblem] = useState<string>();
  // What was just entered is on the server's list for a moment yet.
  const entered = new Set(myConversations.value.map(({ id }) => id));
  const open = invitations.value.filter(({ id }) => !entered.has(id));
  if (open.length === 0) return null;
  return (
    <section aria-labelledby="invitations">
      <h2 id="invitations">{t.invitations}</h2>
      <ul class="room-list" aria-live="polite">
        {open.map((room) => (
          <Invitation key={room.id} room={room} onProblem={setProblem} />
        ))}
      </ul>
      <Problem text={problem} />
    </section>
  );
}

function Invitation({ room, onProblem }: { room: Room; onProblem: (text: string | undefined) => void }) {
  const t = words.value;
  const title = titleOf(room);
  const refuse = () => {
    onProblem(undefined);
    decline(room).catch((error: unknown) => onProblem(explain(error)));
  };
  return (
    <li class="invitation">
      <RoomBadge room={room} />
      <span class="room-link-text">
        <bdi class="room-link-name">{room.visibility === "direct" ? t.wantsToTalk(title) : title}</bdi>
        <span class="invitation-actions">
          <button type="button" class="link-button" aria-label={`${t.accept}: ${title}`} onClick={() => goToRoom(room.id)}>
            {t.accept}
          </button>
          {room.visibility !== "direct" && (
            <button type="button" class="link-button" aria-label={`${t.decline}: ${title}`} onClick={refuse}>
              {t.decline}
            </button>
          )}
        </span>
      </span>
    </li>
  );
}
