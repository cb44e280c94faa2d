/** Coming in with an account. */
import { useEffect, useRef, useState } from "preact/hooks";
import { logIn } from "../../client/entrance";
import { words } from "../i18n";
import { anonymous, beginAccount } from "../model/session";
import { Problem } from "../parts/dialog";
import { Field } from "../parts/field";
import { PasswordField } from "./account-fields";
import { deviceName } from "./device-name";
import { useForm, Wrong } from "./use-form";
import { rareWords } from "./words";
import "./rare.css";

export function LogIn() {
  const t = words.value;
  const r = rareWords.value;
  const [login, setLogin] = useState("");
  const [password, setPassword] = useState("");
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  const form = useForm({
    send: async () => {
      if (login.trim() === "") throw new Wrong("login", r.fillIn);
      if (password === "") throw new Wrong("password", r.fillIn);
      beginAccount(await logIn(anonymous, login.trim(), password, deviceName()));
    },
  });
  return (
    <form class="sign-in-form" onSubmit={form.submit} noValidate>
      <h2>{t.logIn}</h2>
      <Field
        label={r.login}
        name="login"
        autoComplete="username"
        maxLength={64}
        inputRef={input}
        value={login}
        error={form.errorOf("login")}
        onInput={(value) => {
          setLogin(value);
          form.touch();
        }}
      />
      <PasswordField
        label={r.password}
        name="password"
        kind="current-password"
        value={password}
        error={form.errorOf("password")}
        onInput={(value) => {
          setPassword(value);
          form.touch();
        }}
      />
      <Problem text={form.errorOf("")} />
      <button type="submit" class="button button-primary" aria-disabled={form.busy}>
        {form.busy ? t.starting : t.logIn}
      </button>
    </form>
  );
}
