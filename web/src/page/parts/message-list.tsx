/**
 * The scrolling part of a room. However long the history, only a bounded stretch of it is in the document;
 * the stretch moves with the reader.
 */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Outgoing } from "../../client";
import { words } from "../i18n";
import { announceMessages } from "../model/announce";
import type { Conversation } from "../model/conversation";
import type { Session } from "../model/session";
import { timeline } from "../model/timeline";
import { Icon } from "./icons";
import { useRows } from "./rows";
import { ScrollKeeper } from "./scroll";

/** Records in the document while the reader is at the newest end, and at most anywhere else. */
const AT_END = 120;
const AT_MOST = 240;
/** By so many records the stretch moves. */
const STEP = 60;
/** This close to an end of the stretch, in pixels, it moves. */
const NEAR = 700;
const NONE: readonly Outgoing[] = [];

interface Props {
  session: Session;
  conversation: Conversation;
  title: string;
}

export function MessageList({ session, conversation, title }: Props) {
  void conversation.version.value;
  const t = words.value;
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLOListElement>(null);
  const [keeper] = useState(() => new ScrollKeeper());
  // Where the stretch begins; undefined while it follows the newest end.
  const [start, setStart] = useState(() => firstStart(conversation));
  const [span, setSpan] = useState(AT_END);
  const stretch = stretchOf(conversation, start, span);
  const latest = useRef(stretch);
  latest.current = stretch;

  const { from, to, first, epoch } = stretch;
  const { me } = conversation;
  const outgoing = stretch.atNewest ? conversation.outgoing : NONE;
  const unreadAfter = conversation.unreadAfter.value;
  const items = useMemo(
    () => timeline({ records: conversation.feed.records.slice(from - first, to - first + 1), outgoing, me, unreadAfter }),
    // A record never changes: which ones there are says everything.
    [from, to, first, epoch, outgoing, me.id, unreadAfter],
  );
  const rows = useRows(items, session.client);

  const attend = () => conversation.attend(keeper.pinned && document.visibilityState === "visible");

  const follow = (element: HTMLElement) => {
    const seen = latest.current;
    keeper.remember(element, seen.atNewest);
    attend();
    if (keeper.pinned) {
      setStart(undefined);
      return;
    }
    const below = element.scrollHeight - element.clientHeight - element.scrollTop;
    if (element.scrollTop < NEAR) {
      setStart(Math.max(seen.first, seen.from - STEP));
      if (seen.from - STEP < seen.first && conversation.older.peek() === "idle") void conversation.loadOlder();
    } else if (below < NEAR && seen.to < seen.last) {
      setStart(seen.from + STEP);
    } else {
      setStart(seen.from);
    }
  };

  // First of all, go to where reading goes on: the unread line, or the end.
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const line = element.querySelector<HTMLElement>(".row-unread");
    element.scrollTop = line === null ? element.scrollHeight : line.offsetTop - 48;
    follow(element);
  }, []);

  useLayoutEffect(() => {
    if (scroller.current !== null) keeper.restore(scroller.current);
  }, [items]);
  useLayoutEffect(attend);

  // Where nothing happens to be scrolled, older records must come in by themselves: what was loaded meanwhile,
  // and whatever it takes to fill the screen (a thousand people who joined are one line).
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    if (!keeper.pinned && element.scrollTop < NEAR) follow(element);
    if (element.scrollHeight > element.clientHeight) return;
    if (from > first) setSpan(span * 2);
    else if (conversation.older.peek() === "idle") void conversation.loadOlder();
  }, [first, span]);

  useEffect(() => {
    const element = scroller.current;
    if (element === null || content.current === null) return undefined;
    const observer = new ResizeObserver(() => keeper.restore(element));
    observer.observe(element);
    observer.observe(content.current);
    return () => observer.disconnect();
  }, [keeper]);

  useEffect(() => {
    document.addEventListener("visibilitychange", attend);
    conversation.onMessages = announceMessages;
    return () => {
      document.removeEventListener("visibilitychange", attend);
      conversation.onMessages = undefined;
      conversation.exit();
    };
  }, [conversation]);

  const toNewest = () => {
    keeper.pinned = true;
    setStart(undefined);
    if (scroller.current !== null) keeper.restore(scroller.current);
    attend();
  };

  return (
    <div class="messages-frame">
      <div
        ref={scroller}
        class="messages-scroller"
        role="log"
        aria-live="off"
        aria-label={t.messages(title)}
        tabIndex={0}
        onScroll={(event) => follow(event.currentTarget)}
      >
        <Beginning conversation={conversation} title={title} atFirst={stretch.from <= stretch.first} />
        <ol ref={content} class="messages">
          {rows}
        </ol>
      </div>
      {!keeper.pinned && <ToNewest unread={conversation.unread.value} onClick={toNewest} />}
    </div>
  );
}

function Beginning({ conversation, title, atFirst }: { conversation: Conversation; title: string; atFirst: boolean }) {
  // Read for its sake: whether anybody has written is no signal.
  void conversation.version.value;
  const t = words.value;
  if (conversation.older.value === "failed") {
    return (
      <div class="beginning" role="status">
        {t.olderFailed}{" "}
        <button type="button" class="link-button" onClick={() => void conversation.loadOlder()}>
          {t.retry}
        </button>
      </div>
    );
  }
  if (conversation.feed.hasOlder || !atFirst) {
    return <div class="beginning">{conversation.older.value === "loading" ? t.loadingOlder : ""}</div>;
  }
  const silent = !conversation.feed.records.some((record) => record.kind === "message");
  if (silent && conversation.outgoing.length === 0) {
    return (
      <div class="empty">
        <p class="empty-title">{t.emptyRoom}</p>
        <p>{t.emptyRoomHint}</p>
      </div>
    );
  }
  return <div class="beginning">{t.beginning(title)}</div>;
}

function ToNewest({ unread, onClick }: { unread: number; onClick: () => void }) {
  const t = words.value;
  return (
    <button type="button" class="to-newest" aria-label={unread > 0 ? t.newBelow(unread) : t.toNewest} onClick={onClick}>
      <Icon name="down" />
      {unread > 0 && <span>{t.newBelow(unread)}</span>}
    </button>
  );
}

/** Where the stretch begins when the room comes on screen: a little before the unread line, if there is one. */
function firstStart(conversation: Conversation): number | undefined {
  conversation.enter();
  const unreadAfter = conversation.unreadAfter.peek();
  return unreadAfter === undefined ? undefined : Math.max(conversation.feed.firstSeq, unreadAfter - 20);
}

function stretchOf({ feed }: Conversation, start: number | undefined, span: number) {
  const first = feed.firstSeq;
  const last = feed.position?.seq ?? 0;
  const following = start === undefined || start > last;
  const from = Math.max(first, following ? last - span + 1 : start);
  const to = following ? last : Math.min(last, from + AT_MOST - 1);
  return { first, last, from, to, atNewest: to === last, epoch: feed.position?.epoch };
}
