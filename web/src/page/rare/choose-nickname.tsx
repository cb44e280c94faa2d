/** The nickname that a first login elsewhere still lacks. */
import { useEffect, useRef, useState } from "preact/hooks";
import { asRefusal } from "../../client";
import { newcomer, register } from "../../client/entrance";
import { words } from "../i18n";
import { anonymous, beginAccount, threshold } from "../model/session";
import { Problem } from "../parts/dialog";
import { explainNickname } from "../parts/enter-as-guest";
import { NewNicknameField } from "./account-fields";
import { useForm, Wrong } from "./use-form";
import "./rare.css";

export function ChooseNickname() {
  const t = words.value;
  const [nickname, setNickname] = useState("");
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    input.current?.focus();
    newcomer(anonymous).then(
      ({ nickname: proposed }) => setNickname((typed) => (typed === "" ? (proposed ?? "") : typed)),
      (error: unknown) => {
        if (isOver(error)) beginAgain();
      },
    );
  }, []);
  const form = useForm({
    send: async () => {
      if (nickname.trim() === "") throw new Wrong("nickname", t.nicknameEmpty);
      try {
        beginAccount(await register(anonymous, nickname.trim()));
      } catch (error) {
        if (!isOver(error)) throw error;
        beginAgain();
      }
    },
    place: (refusal) =>
      refusal.code === "nickname_taken" || refusal.code === "invalid" ? ["nickname", explainNickname(refusal)] : undefined,
  });
  return (
    <form class="sign-in-form" onSubmit={form.submit} noValidate>
      <NewNicknameField
        inputRef={input}
        value={nickname}
        error={form.errorOf("nickname")}
        onInput={(value) => {
          setNickname(value);
          form.touch();
        }}
      />
      <Problem text={form.errorOf("")} />
      <button type="submit" class="button button-primary" aria-disabled={form.busy}>
        {form.busy ? t.starting : t.start}
      </button>
    </form>
  );
}

/** What was begun elsewhere is over, and has to be begun again. */
function beginAgain(): void {
  threshold.value = { view: "guest", code: "login_failed" };
}

function isOver(error: unknown): boolean {
  const { code } = asRefusal(error);
  return code === "unauthenticated" || code === "login_failed";
}
