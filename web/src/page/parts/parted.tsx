/** Under the messages of a room one is no member of any more: why, and what can be done about it. */
import { useRef } from "preact/hooks";
import { words } from "../i18n";
import type { Conversation } from "../model/conversation";
import { drop } from "../model/conversations";
import { explainDenial } from "../model/refusals";
import { goToList } from "../model/route";
import type { Session } from "../model/session";
import { banOf } from "../model/standing";
import { TimeLeft, useTakeFocus } from "./denied";

interface PartedProps {
  session: Session;
  conversation: Conversation;
  closed: boolean;
  now: number;
}

export function Parted({ session, conversation, closed, now }: PartedProps) {
  void conversation.version.value;
  const t = words.value;
  const code = conversation.feed.partedCode;
  const ban = banOf(conversation.standing.value, now);
  const element = useRef<HTMLDivElement>(null);
  useTakeFocus(element);
  const away = () => {
    drop(conversation.id);
    goToList();
  };
  return (
    <div ref={element} class="parted" role="alert" tabIndex={-1}>
      <span>
        {closed ? t.closedHere : ban !== undefined ? `${t.bannedHere} ${explainDenial(ban)}` : textOf(code)}
      </span>
      {ban !== undefined && <TimeLeft denial={ban} now={now} />}
      <button type="button" class="button button-small" onClick={away}>
        {t.toRooms}
      </button>
      {!closed && ban === undefined && (
        <button type="button" class="button button-small button-primary" onClick={() => session.client.open(conversation.id)}>
          {t.enterAgain}
        </button>
      )}
    </div>
  );
}

function textOf(code: string | undefined): string {
  const t = words.value;
  // A ban whose time is over is none any more.
  if (code === undefined || code === "not_a_member" || code === "banned") return t.parted;
  return t.refusals[code] ?? t.parted;
}
