/** Where one writes. Enter sends, Shift and Enter break the line; an unfinished Korean syllable is never sent. */
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { words } from "../i18n";
import type { Conversation } from "../model/conversation";
import { Icon } from "./icons";

/** The server's default bound for a body, in bytes of UTF-8. */
const LARGEST = 8 * 1024;
/** From here on what is left is shown. */
const NEARLY = 512;

export function Composer({ conversation, title }: { conversation: Conversation; title: string }) {
  const t = words.value;
  const [text, setText] = useState(conversation.draft);
  const input = useRef<HTMLTextAreaElement>(null);
  const hintId = useId();
  const left = LARGEST - new TextEncoder().encode(text).length;
  const sendable = text.trim() !== "" && left >= 0;

  // A keyboard is at hand: write at once. On a touch screen the keyboard would cover what one came to read.
  useEffect(() => {
    if (matchMedia("(pointer: fine)").matches) input.current?.focus();
  }, [conversation]);

  useLayoutEffect(() => {
    const element = input.current;
    if (element === null) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight}px`;
  }, [text]);

  const write = (next: string) => {
    conversation.draft = next;
    setText(next);
  };
  const send = () => {
    if (!sendable) return;
    conversation.send(text.trimEnd());
    write("");
    input.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.shiftKey || isComposing(event)) return;
    event.preventDefault();
    send();
  };

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div class="composer-box">
        <textarea
          ref={input}
          rows={1}
          value={text}
          dir="auto"
          enterkeyhint="send"
          aria-label={t.writeTo(title)}
          aria-describedby={hintId}
          placeholder={t.writeTo(title)}
          onInput={(event) => write(event.currentTarget.value)}
          onKeyDown={onKeyDown}
        />
        <button type="submit" class="send-button" aria-label={t.send} title={t.send} aria-disabled={!sendable}>
          <Icon name="send" />
        </button>
      </div>
      <span id={hintId} class="visually-hidden">
        {t.writeHint}
      </span>
      {left < NEARLY && (
        <span class={left < 0 ? "composer-count over" : "composer-count"} role="status">
          {left < 0 ? t.tooLong(-left) : t.bytesLeft(left)}
        </span>
      )}
    </form>
  );
}

/** While an input method composes, Enter belongs to it; 229 is how Safari says so after the composition ended. */
function isComposing(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229;
}
