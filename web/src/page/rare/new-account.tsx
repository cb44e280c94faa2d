/** The form that makes an account: of nobody yet, or of the guest who is here and keeps what they have. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Caller, Refusal } from "../../client";
import { signUp, type Login } from "../../client/entrance";
import { words } from "../i18n";
import { Problem } from "../parts/dialog";
import { explainNickname } from "../parts/enter-as-guest";
import { Field } from "../parts/field";
import { NewLoginField, NewNicknameField, PasswordField } from "./account-fields";
import { deviceName } from "./device-name";
import { useForm, Wrong } from "./use-form";
import { rareWords } from "./words";

interface NewAccountProps {
  caller: Caller;
  /** Whether there is a nickname already. */
  guest: "has-nickname" | "has-none";
  action: string;
  onDone: (login: Login) => void;
}

export function NewAccount({ caller, guest, action, onDone }: NewAccountProps) {
  const t = words.value;
  const r = rareWords.value;
  const [nickname, setNickname] = useState("");
  const [login, setLogin] = useState("");
  const [password, setPassword] = useState("");
  const [email, setEmail] = useState("");
  const named = guest === "has-nickname";
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (!named) first.current?.focus();
  }, [named]);
  const form = useForm({
    send: async () => {
      if (!named && nickname.trim() === "") throw new Wrong("nickname", t.nicknameEmpty);
      if (login.trim() === "") throw new Wrong("login", r.fillIn);
      if (password === "") throw new Wrong("password", r.fillIn);
      const fields = { login: login.trim(), password, device: deviceName() };
      const given = { ...(named ? {} : { nickname: nickname.trim() }), ...(email.trim() === "" ? {} : { email: email.trim() }) };
      onDone(await signUp(caller, { ...fields, ...given }));
    },
    place,
  });
  const change = (set: (value: string) => void) => (value: string) => {
    set(value);
    form.touch();
  };
  return (
    <form class="sign-in-form" onSubmit={form.submit} noValidate>
      {!named && (
        <NewNicknameField inputRef={first} value={nickname} error={form.errorOf("nickname")} onInput={change(setNickname)} />
      )}
      <NewLoginField value={login} error={form.errorOf("login")} onInput={change(setLogin)} />
      <PasswordField
        label={r.password}
        hint={r.passwordHint}
        name="password"
        kind="new-password"
        value={password}
        error={form.errorOf("password")}
        onInput={change(setPassword)}
      />
      <Field
        label={r.email}
        hint={r.emailHint}
        name="email"
        type="email"
        autoComplete="email"
        maxLength={254}
        value={email}
        error={form.errorOf("email")}
        onInput={change(setEmail)}
      />
      <Problem text={form.errorOf("")} />
      <button type="submit" class="button button-primary" aria-disabled={form.busy}>
        {form.busy ? t.starting : action}
      </button>
    </form>
  );
}

function place(refusal: Refusal): [string, string] | undefined {
  const r = rareWords.peek();
  if (refusal.code === "nickname_taken") return ["nickname", explainNickname(refusal)];
  if (refusal.code === "login_taken") return ["login", words.peek().refusals["login_taken"] ?? ""];
  if (refusal.code !== "invalid") return undefined;
  switch (refusal.field) {
    case "nickname":
      return ["nickname", explainNickname(refusal)];
    case "login":
      return ["login", r.loginInvalid];
    case "password":
      return ["password", r.passwordWeak];
    case "email":
      return ["email", r.emailInvalid];
    default:
      return undefined;
  }
}
