/** Asks for how long and why before something is done about somebody. */
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { words } from "../i18n";
import { Problem } from "../parts/dialog";
import { Field } from "../parts/field";
import { useForm } from "./use-form";
import { rareWords } from "./words";

export interface Asked {
  seconds?: number;
  reason?: string;
}

type Step = "kick" | "mute" | "ban" | "server-ban" | "hand-over";

interface DenialFormProps {
  step: Step;
  nickname: string;
  onBack: () => void;
  /** Rejects with a `Refusal`. */
  onSend: (asked: Asked) => Promise<unknown>;
  onDone: () => void;
}

/** What is chosen at first, in seconds. */
const USUAL = "3600";
const LONGEST_REASON = 200;

export function DenialForm({ step, nickname, onBack, onSend, onDone }: DenialFormProps) {
  const r = rareWords.value;
  const [seconds, setSeconds] = useState(USUAL);
  const [reason, setReason] = useState("");
  const first = useRef<HTMLFormElement>(null);
  const id = useId();
  const { text, action } = textOf(step, nickname);
  const lasts = step === "mute" || step === "ban" || step === "server-ban";
  const reasoned = step !== "hand-over";
  useEffect(() => first.current?.querySelector<HTMLElement>("select, input, button")?.focus(), []);
  const form = useForm({
    send: async () => {
      const asked: Asked = {};
      if (lasts && seconds !== "") asked.seconds = Number(seconds);
      if (reason.trim() !== "") asked.reason = reason.trim();
      await onSend(asked);
      onDone();
    },
  });
  return (
    <form ref={first} onSubmit={form.submit} noValidate>
      <p>{text}</p>
      {lasts && (
        <div class="field">
          <label for={id}>{r.duration}</label>
          <select id={id} value={seconds} onChange={(event) => setSeconds(event.currentTarget.value)}>
            {DURATIONS.map((one) => (
              <option key={one} value={one}>
                {r.durations[one]}
              </option>
            ))}
          </select>
        </div>
      )}
      {reasoned && (
        <Field
          label={r.reasonLabel}
          hint={step === "server-ban" ? r.reasonHintPrivate : r.reasonHint}
          name="reason"
          maxLength={LONGEST_REASON / 2}
          value={reason}
          onInput={setReason}
        />
      )}
      <Problem text={form.errorOf("")} />
      <div class="dialog-actions">
        <button type="button" class="button" onClick={onBack}>
          {r.back}
        </button>
        <button type="submit" class="button button-danger" aria-disabled={form.busy}>
          {form.busy ? words.value.starting : action}
        </button>
      </div>
    </form>
  );
}

const DURATIONS = ["600", "3600", "86400", "604800", ""];

function textOf(step: Step, nickname: string): { text: string; action: string } {
  const r = rareWords.value;
  switch (step) {
    case "kick":
      return { text: r.kickText, action: r.kickNow };
    case "mute":
      return { text: r.muteText, action: r.muteNow };
    case "ban":
      return { text: r.banText, action: r.banNow };
    case "server-ban":
      return { text: r.serverBanText, action: r.banNow };
    default:
      return { text: r.handOverText(nickname), action: r.handOverNow };
  }
}
