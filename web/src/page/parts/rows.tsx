/** Rows that are drawn again only when they say something else: in a busy room most of them never do. */
import type { ComponentChild } from "preact";
import { useRef } from "preact/hooks";
import type { KlatschClient } from "../../client";
import type { Item, MessageItem } from "../model/timeline";
import { Row } from "./message";

/** The rows for `items`; a message that is unchanged since the last call keeps its node, and costs nothing. */
export function useRows(items: readonly Item[], client: KlatschClient): ComponentChild[] {
  const kept = useRef(new Map<string, { item: MessageItem; node: ComponentChild }>());
  const next: typeof kept.current = new Map();
  const nodes = items.map((item) => {
    if (item.kind !== "message") return <Row key={item.key} item={item} client={client} />;
    const before = kept.current.get(item.key);
    const entry =
      before !== undefined && isSame(before.item, item)
        ? before
        : { item, node: <Row key={item.key} item={item} client={client} /> };
    next.set(item.key, entry);
    return entry.node;
  });
  kept.current = next;
  return nodes;
}

/** Body, sender and time never change once they are in the log; the rest may. */
function isSame(a: MessageItem, b: MessageItem): boolean {
  return a.seq === b.seq && a.first === b.first && a.last === b.last && a.outgoing === b.outgoing && a.body === b.body;
}
