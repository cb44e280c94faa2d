/** A labelled text field with its hint and its error in place, tied together for screen readers. */
import type { ComponentChildren, Ref } from "preact";
import { useId } from "preact/hooks";

interface FieldProps {
  label: string;
  hint: string;
  value: string;
  maxLength: number;
  onInput: (value: string) => void;
  error?: ComponentChildren;
  inputRef?: Ref<HTMLInputElement>;
  autoComplete?: string;
}

export function Field({ label, hint, value, maxLength, onInput, error, inputRef, autoComplete }: FieldProps) {
  const id = useId();
  const wrong = error !== undefined;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        {...(inputRef === undefined ? {} : { ref: inputRef })}
        id={id}
        type="text"
        value={value}
        // Counted in UTF-16 units here; the server counts characters, so allow twice as many and let it decide.
        maxLength={maxLength * 2}
        autoComplete={autoComplete ?? "off"}
        autoCapitalize="none"
        spellcheck={false}
        aria-invalid={wrong}
        aria-describedby={wrong ? `${id}-error` : `${id}-hint`}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      {wrong ? (
        <div id={`${id}-error`} class="field-error" role="alert">
          {error}
        </div>
      ) : (
        <div id={`${id}-hint`} class="field-hint">
          {hint}
        </div>
      )}
    </div>
  );
}
