/** A message's text: text and nothing else, with addresses that can be followed. */
import type { ComponentChildren } from "preact";

const ADDRESS = /https?:\/\/[^\s<>"'`]+/giu;
/** Longer texts are not looked through for being emoji only. */
const FEW = 64;
const ONLY_EMOJI = /^(?:\p{RGI_Emoji}|\s){1,12}$/v;

export function Body({ text }: { text: string }) {
  const large = text.length <= FEW && ONLY_EMOJI.test(text);
  return (
    <p class={large ? "body body-emoji" : "body"} dir="auto">
      {withLinks(text)}
    </p>
  );
}

function withLinks(text: string): ComponentChildren[] {
  const parts: ComponentChildren[] = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = trimEnd(match[0]);
    if (!isWebAddress(address)) continue;
    parts.push(text.slice(end, match.index));
    parts.push(
      <a key={match.index} href={address} target="_blank" rel="noopener noreferrer nofollow ugc">
        {address}
      </a>,
    );
    end = match.index + address.length;
  }
  parts.push(text.slice(end));
  return parts;
}

/** Punctuation at the end belongs to the sentence, and a closing bracket without its opening one too. */
function trimEnd(address: string): string {
  let trimmed = address.replace(/[.,;:!?…。、]+$/u, "");
  while (trimmed.endsWith(")") && !trimmed.includes("(")) trimmed = trimmed.slice(0, -1);
  return trimmed;
}

function isWebAddress(address: string): boolean {
  try {
    const { protocol, hostname } = new URL(address);
    return (protocol === "http:" || protocol === "https:") && hostname !== "";
  } catch {
    return false;
  }
}
