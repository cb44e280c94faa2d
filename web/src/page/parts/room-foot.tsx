/** Under the messages: where one writes, or why one cannot. */
import { useEffect, useState } from "preact/hooks";
import type { Room } from "../../client";
import { words } from "../i18n";
import type { Conversation } from "../model/conversation";
import type { Session } from "../model/session";
import { muteOf } from "../model/standing";
import { Composer } from "./composer";
import { Denied } from "./denied";
import { Parted } from "./parted";

interface RoomFootProps {
  session: Session;
  conversation: Conversation;
  room: Room | undefined;
  title: string;
}

export function RoomFoot({ session, conversation, room, title }: RoomFootProps) {
  void conversation.version.value;
  const { feed } = conversation;
  const standing = conversation.standing.value;
  const now = useNow(typeof standing?.muted_until === "string" || typeof standing?.banned_until === "string");
  const closed = room?.closed === true || feed.partedCode === "room_closed";
  const mute = muteOf(standing, now);
  if (feed.state === "parted" || closed) {
    return <Parted session={session} conversation={conversation} closed={closed} now={now} />;
  }
  if (mute !== undefined) return <Denied title={words.value.mutedHere} denial={mute} now={now} />;
  return <Composer conversation={conversation} title={title} />;
}

/** The time; every second while `ticking`, for what is denied ends by itself. */
function useNow(ticking: boolean): number {
  const [, setTurn] = useState(0);
  useEffect(() => {
    if (!ticking) return undefined;
    const timer = setInterval(() => setTurn((turn) => turn + 1), 1000);
    return () => clearInterval(timer);
  }, [ticking]);
  return Date.now();
}
