/** The fields of accounts: login, password, nickname, with what is known about them while they are filled in. */
import { useState } from "preact/hooks";
import type { Ref } from "preact";
import { words } from "../i18n";
import { Field } from "../parts/field";
import { useAvailability } from "./use-availability";
import { rareWords } from "./words";

interface FieldProps {
  value: string;
  error: string | undefined;
  onInput: (value: string) => void;
  inputRef?: Ref<HTMLInputElement>;
}

/** A login that is to be new. */
export function NewLoginField({ value, error, onInput, ...rest }: FieldProps) {
  const t = rareWords.value;
  const known = useAvailability("login", value);
  const taken = known?.code === "login_taken" ? words.value.refusals["login_taken"] : t.loginInvalid;
  return (
    <Field
      {...rest}
      label={t.login}
      hint={t.loginHint}
      name="login"
      autoComplete="username"
      maxLength={64}
      value={value}
      error={error ?? (known?.available === false ? taken : undefined)}
      praise={known?.available === true ? t.loginFree : undefined}
      onInput={onInput}
    />
  );
}

/** A nickname that is to be new; `own` is the one somebody has already. */
export function NewNicknameField({ value, error, onInput, own, ...rest }: FieldProps & { own?: string }) {
  const t = words.value;
  const known = useAvailability("nickname", value.trim() === own ? "" : value);
  const taken = known?.code === "nickname_taken" ? t.nicknameTaken : t.nicknameInvalid;
  return (
    <Field
      {...rest}
      label={t.nickname}
      hint={t.nicknameHint}
      name="nickname"
      autoComplete="nickname"
      maxLength={32}
      value={value}
      error={error ?? (known?.available === false ? taken : undefined)}
      praise={known?.available === true ? t.nicknameFree : undefined}
      onInput={onInput}
    />
  );
}

interface PasswordProps extends FieldProps {
  label: string;
  hint?: string;
  name: string;
  kind: "current-password" | "new-password";
}

/** A password, which can be looked at while it is typed. */
export function PasswordField({ kind, ...rest }: PasswordProps) {
  const [shown, setShown] = useState(false);
  return (
    <div class="password">
      <Field {...rest} type={shown ? "text" : "password"} autoComplete={kind} maxLength={512} />
      <label class="check">
        <input type="checkbox" checked={shown} onChange={(event) => setShown(event.currentTarget.checked)} />
        {rareWords.value.showPassword}
      </label>
    </div>
  );
}
