/** A modal dialog on the browser's own, which keeps the focus inside and closes on Escape; the focus goes back. */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useLayoutEffect, useRef } from "preact/hooks";
import { words } from "../i18n";
import { Icon } from "./icons";

interface DialogProps {
  title: ComponentChildren;
  onClose: () => void;
  /** With much in it: wider, and with a button that closes it at the top. */
  large?: true;
  children: ComponentChildren;
}

export function Dialog({ title, onClose, large, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const closed = useRef(onClose);
  closed.current = onClose;
  useLayoutEffect(() => {
    const dialog = element.current;
    if (dialog === null) return undefined;
    const tell = () => closed.current();
    dialog.showModal();
    dialog.addEventListener("close", tell);
    return () => {
      dialog.removeEventListener("close", tell);
      // Taken off the page without having been closed, it would leave the focus nowhere.
      dialog.close();
    };
  }, []);
  return (
    <dialog ref={element} class={large ? "dialog dialog-large" : "dialog"} aria-labelledby={titleId}>
      {large ? (
        <header class="dialog-head">
          <h2 id={titleId}>{title}</h2>
          <button type="button" class="icon-button" aria-label={words.value.close} onClick={onClose}>
            <Icon name="close" />
          </button>
        </header>
      ) : (
        <h2 id={titleId}>{title}</h2>
      )}
      {children}
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  text: string;
  confirm: string;
  cancel: string;
  /** What went wrong at the last try. */
  error?: string | undefined;
  onConfirm: () => void;
  onCancel: () => void;
}

export function Confirm({ title, text, confirm, cancel, error, onConfirm, onCancel }: ConfirmProps) {
  return (
    <Dialog title={title} onClose={onCancel}>
      <p>{text}</p>
      <Problem text={error} />
      <div class="dialog-actions">
        <button type="button" class="button" onClick={onCancel}>
          {cancel}
        </button>
        <button type="button" class="button button-danger" onClick={onConfirm}>
          {confirm}
        </button>
      </div>
    </Dialog>
  );
}

/** What went wrong, said at once. */
export function Problem({ text }: { text: string | undefined }) {
  const element = useRef<HTMLParagraphElement>(null);
  // In a long dialog it may stand where nobody looks.
  useEffect(() => element.current?.scrollIntoView({ block: "nearest" }), [text]);
  if (text === undefined) return null;
  return (
    <p ref={element} class="field-error" role="alert">
      {text}
    </p>
  );
}
