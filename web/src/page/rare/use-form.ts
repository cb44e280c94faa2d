/**
 * What forms have in common: one submission at a time, what was refused shown at its field, and the focus put there.
 * It knows neither fields nor words.
 */
import { useRef, useState } from "preact/hooks";
import { asRefusal, Refusal } from "../../client";
import { explain } from "../model/refusals";

export interface Form {
  busy: boolean;
  /** The sentence for a field, if the last try failed because of it; for `""` what belongs to none. */
  errorOf: (field: string) => string | undefined;
  /** Forgets what was wrong: somebody writes on. */
  touch: () => void;
  /** For the `onSubmit` of the form. */
  submit: (event: Event) => void;
}

interface FormOptions {
  /** Does it. Rejects with a `Refusal`, or with a `Wrong`. */
  send: () => Promise<void>;
  /** The field and the sentence for a refusal; without one it is explained at the foot of the form. */
  place?: (refusal: Refusal) => [field: string, text: string] | undefined;
}

/** A field that is wrong before anybody was asked. */
export class Wrong extends Error {
  readonly field: string;

  constructor(field: string, text: string) {
    super(text);
    this.field = field;
  }
}

export function useForm({ send, place }: FormOptions): Form {
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<[field: string, text: string]>();
  const running = useRef(false);

  const run = async (form: HTMLFormElement) => {
    if (running.current) return;
    running.current = true;
    setBusy(true);
    setWrong(undefined);
    try {
      await send();
    } catch (error) {
      const found = error instanceof Wrong ? ([error.field, error.message] as const) : located(asRefusal(error), place);
      setWrong([...found]);
      form.querySelector<HTMLInputElement>(found[0] === "" ? "input" : `input[name="${found[0]}"]`)?.focus();
    } finally {
      running.current = false;
      setBusy(false);
    }
  };

  return {
    busy,
    errorOf: (field) => (wrong?.[0] === field ? wrong[1] : undefined),
    touch: () => setWrong(undefined),
    submit: (event) => {
      event.preventDefault();
      void run(event.currentTarget as HTMLFormElement);
    },
  };
}

function located(refusal: Refusal, place: FormOptions["place"]): readonly [string, string] {
  return place?.(refusal) ?? ["", explain(refusal)];
}
