/** The rows of a conversation: messages, days, the unread line, comings and goings. */
import type { KlatschClient, Outgoing } from "../../client";
import { formatDay, formatFull, formatNames, formatTime, words } from "../i18n";
import { explain } from "../model/refusals";
import type { Item, MessageItem } from "../model/timeline";
import { Avatar, hueOf } from "./avatar";
import { Body } from "./body";
import { eventText } from "./event-text";
import { Icon } from "./icons";

/** So many names are written out; the others are counted. */
const NAMES = 3;

export function Row({ item, client }: { item: Item; client: KlatschClient }) {
  const t = words.value;
  switch (item.kind) {
    case "day":
      return (
        <li class="row-day" data-key={item.key}>
          <h3>{formatDay(item.date, new Date())}</h3>
        </li>
      );
    case "unread":
      return (
        <li class="row-unread" data-key={item.key}>
          <span>{t.unread}</span>
        </li>
      );
    case "moves":
      return (
        <li class="row-moves" data-key={item.key}>
          {movesText(item.change, item.nicknames)}
        </li>
      );
    case "event":
      return (
        <li class="row-moves row-event" data-key={item.key}>
          <bdi>{eventText(item.record)}</bdi>
        </li>
      );
    case "other":
      return (
        <li class="row-moves" data-key={item.key}>
          {t.otherRecord(item.name)}
        </li>
      );
    default:
      return <Message item={item} client={client} />;
  }
}

function Message({ item, client }: { item: MessageItem; client: KlatschClient }) {
  const t = words.value;
  const { own, first, last, outgoing } = item;
  const classes = ["row-message", own ? "own" : "other", first && "first", last && "last", outgoing?.state];
  return (
    <li class={classes.filter(Boolean).join(" ")} data-key={item.key} style={{ "--hue": String(hueOf(item.senderId)) }}>
      {!own && last && <Avatar id={item.senderId} nickname={item.nickname} />}
      <div class="bubble-column">
        {first && !own ? (
          <bdi class="sender">{item.nickname}</bdi>
        ) : (
          <span class="visually-hidden">{own ? t.you : item.nickname}</span>
        )}
        <div class="bubble-line">
          <div class="bubble">
            <Body text={item.body} />
          </div>
          <Stamp item={item} />
        </div>
        {outgoing?.state === "failed" && <Failed message={outgoing} client={client} />}
      </div>
    </li>
  );
}

/** When it was said, or how far it has come. */
function Stamp({ item: { at, outgoing } }: { item: MessageItem }) {
  const t = words.value;
  if (outgoing === undefined || outgoing.state === "sent") {
    const date = at ?? new Date();
    return (
      <time class="stamp" dateTime={date.toISOString()} title={formatFull(date)}>
        {formatTime(date)}
      </time>
    );
  }
  const icon = outgoing.state === "failed" ? "alert" : "clock";
  return (
    <span class="stamp stamp-state" title={t.state[outgoing.state]}>
      <Icon name={icon} />
      {outgoing.state !== "failed" && <span class="visually-hidden">{t.state[outgoing.state]}</span>}
    </span>
  );
}

function Failed({ message, client }: { message: Outgoing; client: KlatschClient }) {
  const t = words.value;
  return (
    <div class="failed" role="alert">
      <span>
        {t.state.failed}. {message.refusal && explain(message.refusal)}
      </span>
      <button type="button" class="link-button" onClick={() => client.retry(message)}>
        {t.retry}
      </button>
      <button type="button" class="link-button" onClick={() => client.discard(message)}>
        {t.discard}
      </button>
    </div>
  );
}

function movesText(change: "joined" | "left", nicknames: string[]): string {
  const t = words.value;
  const names = [...new Set(nicknames)];
  const others = names.length - NAMES;
  const text =
    others > 0 ? t.andOthers(names.slice(0, NAMES).join(", "), others) : formatNames(names);
  return t[change](text, names.length);
}
