/** A labelled text field with its hint and its error in place, tied together for screen readers. */
import type { ComponentChildren, Ref } from "preact";
import { useId } from "preact/hooks";

interface FieldProps {
  label: string;
  hint?: string | undefined;
  value: string;
  maxLength: number;
  onInput: (value: string) => void;
  error?: ComponentChildren;
  /** What is good about the value; it is said as it comes, in the place of the hint. */
  praise?: string | undefined;
  inputRef?: Ref<HTMLInputElement>;
  autoComplete?: string;
  type?: "text" | "password" | "email";
  name?: string;
}

export function Field({ label, hint, value, maxLength, onInput, error, praise, inputRef, autoComplete, type, name }: FieldProps) {
  const id = useId();
  const wrong = error !== undefined;
  const described = wrong ? `${id}-error` : hint !== undefined || praise !== undefined ? `${id}-hint` : undefined;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        {...(inputRef === undefined ? {} : { ref: inputRef })}
        {...(name === undefined ? {} : { name })}
        id={id}
        type={(type ?? "text") as "text"}
        value={value}
        // Counted in UTF-16 units here; the server counts characters, so allow twice as many and let it decide.
        maxLength={maxLength * 2}
        autoComplete={autoComplete ?? "off"}
        autoCapitalize="none"
        spellcheck={false}
        aria-invalid={wrong}
        aria-describedby={described}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      {wrong ? (
        <div id={`${id}-error`} class="field-error" role="alert">
          {error}
        </div>
      ) : (
        described !== undefined && (
          <div id={described} class={praise === undefined ? "field-hint" : "field-hint field-good"} role={praise === undefined ? undefined : "status"}>
            {praise ?? hint}
          </div>
        )
      )}
    </div>
  );
}
