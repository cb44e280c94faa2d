/** The first screen: a nickname, and in. */
import { useEffect, useRef, useState } from "preact/hooks";
import { asRefusal } from "../../client";
import { words } from "../i18n";
import { explain } from "../model/refusals";
import { signIn } from "../model/session";
import { ChooseConnection } from "./choose-connection";
import { Field } from "./field";
import { Mark } from "./icons";
import { Preferences } from "./preferences";

type Problem = { kind: "empty" } | { kind: "refused"; error: unknown };

export function SignIn() {
  const t = words.value;
  const [nickname, setNickname] = useState("");
  const [problem, setProblem] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    if (nickname.trim() === "") {
      setProblem({ kind: "empty" });
      input.current?.focus();
      return;
    }
    setBusy(true);
    try {
      await signIn(nickname.trim());
    } catch (error) {
      setProblem({ kind: "refused", error });
      setBusy(false);
      input.current?.focus();
      input.current?.select();
    }
  };

  return (
    <main class="sign-in">
      <div class="sign-in-top">
        <Preferences />
      </div>
      <form class="sign-in-card" onSubmit={(event) => void submit(event)} noValidate>
        <Mark />
        <h1>Klatsch</h1>
        <p class="sign-in-tagline">{t.tagline}</p>
        <Field
          label={t.nickname}
          hint={t.nicknameHint}
          value={nickname}
          maxLength={32}
          autoComplete="nickname"
          inputRef={input}
          error={problem && describe(problem)}
          onInput={(value) => {
            setNickname(value);
            setProblem(undefined);
          }}
        />
        <ChooseConnection />
        <button type="submit" class="button button-primary" aria-disabled={busy}>
          {busy ? t.starting : t.start}
        </button>
      </form>
    </main>
  );
}

function describe(problem: Problem): string {
  const t = words.value;
  if (problem.kind === "empty") return t.nicknameEmpty;
  const { code } = asRefusal(problem.error);
  if (code === "nickname_taken") return t.nicknameTaken;
  if (code === "invalid") return t.nicknameInvalid;
  return explain(problem.error);
}
