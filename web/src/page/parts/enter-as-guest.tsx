/** A nickname alone, which is enough to talk. */
import { useEffect, useRef, useState } from "preact/hooks";
import { asRefusal } from "../../client";
import { words } from "../i18n";
import { explain } from "../model/refusals";
import { signIn } from "../model/session";
import { ChooseConnection } from "./choose-connection";
import { Field } from "./field";

type Problem = { kind: "empty" } | { kind: "refused"; error: unknown };

export function EnterAsGuest() {
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
    <form class="sign-in-form" onSubmit={(event) => void submit(event)} noValidate>
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
  );
}

function describe(problem: Problem): string {
  return problem.kind === "empty" ? words.value.nicknameEmpty : explainNickname(problem.error);
}

/** Why a nickname was refused. */
export function explainNickname(error: unknown): string {
  const t = words.value;
  const { code, field } = asRefusal(error);
  if (code === "nickname_taken") return t.nicknameTaken;
  if (code === "invalid" && (field === undefined || field === "nickname")) return t.nicknameInvalid;
  return explain(error);
}
