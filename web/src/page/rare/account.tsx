/** Everything about oneself in one dialog: becoming an account, nickname, password, devices. */
import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { changePassword, rename } from "../../client/account";
import { words } from "../i18n";
import { announce } from "../model/announce";
import { beginAccount, calledNow, me, type Session } from "../model/session";
import { Dialog, Problem } from "../parts/dialog";
import { explainNickname } from "../parts/enter-as-guest";
import { NewNicknameField, PasswordField } from "./account-fields";
import { Devices } from "./devices";
import { NewAccount } from "./new-account";
import { useForm, Wrong } from "./use-form";
import { rareWords } from "./words";
import "./rare.css";

/** What was just done; it outlives the change from guest to account. */
const done = signal<string | undefined>(undefined);

export function Account({ session, onClose }: { session: Session; onClose: () => void }) {
  const t = words.value;
  const r = rareWords.value;
  const close = () => {
    done.value = undefined;
    onClose();
  };
  const finish = (text: string) => {
    done.value = text;
    announce(text);
  };
  const login = me.value?.login;
  return (
    <Dialog title={t.account} large onClose={close}>
      {done.value !== undefined && <p class="done">{done.value}</p>}
      {login !== undefined && <p>{r.loginIs(login)}</p>}
      {!session.account && (
        <section>
          <h3>{r.guestTitle}</h3>
          <p>{r.guestText}</p>
          <NewAccount
            caller={session.client.api.caller}
            guest="has-nickname"
            action={r.makeAccount}
            onDone={(now) => {
              finish(r.accountMade);
              beginAccount(now);
            }}
          />
        </section>
      )}
      {session.account && <Nickname session={session} onDone={finish} />}
      {session.account && login !== undefined && <Password session={session} onDone={finish} />}
      {session.account && <Devices session={session} />}
    </Dialog>
  );
}

interface SectionProps {
  session: Session;
  onDone: (text: string) => void;
}

function Nickname({ session, onDone }: SectionProps) {
  const t = words.value;
  const r = rareWords.value;
  const present = me.value?.nickname ?? session.user.nickname;
  const [nickname, setNickname] = useState(present);
  const form = useForm({
    send: async () => {
      if (nickname.trim() === "") throw new Wrong("nickname", t.nicknameEmpty);
      const now = await rename(session.client.api.caller, nickname.trim());
      calledNow(now.nickname);
      setNickname(now.nickname);
      onDone(r.nicknameChanged);
    },
    place: (refusal) =>
      refusal.code === "nickname_taken" || refusal.code === "invalid" ? ["nickname", explainNickname(refusal)] : undefined,
  });
  return (
    <section>
      <h3>{r.changeNickname}</h3>
      <form onSubmit={form.submit} noValidate>
        <NewNicknameField
          value={nickname}
          own={present}
          error={form.errorOf("nickname")}
          onInput={(value) => {
            setNickname(value);
            form.touch();
          }}
        />
        <Problem text={form.errorOf("")} />
        <button type="submit" class="button button-small" aria-disabled={form.busy}>
          {r.changeNickname}
        </button>
      </form>
    </section>
  );
}

function Password({ session, onDone }: SectionProps) {
  const r = rareWords.value;
  const [old, setOld] = useState("");
  const [next, setNext] = useState("");
  const form = useForm({
    send: async () => {
      if (old === "") throw new Wrong("old-password", r.fillIn);
      if (next === "") throw new Wrong("new-password", r.fillIn);
      await changePassword(session.client.api.caller, old, next);
      setOld("");
      setNext("");
      onDone(r.passwordChanged);
    },
    place: (refusal) => {
      if (refusal.code === "bad_credentials") return ["old-password", r.oldPasswordWrong];
      return refusal.code === "invalid" ? ["new-password", r.passwordWeak] : undefined;
    },
  });
  return (
    <section>
      <h3>{r.changePassword}</h3>
      <form onSubmit={form.submit} noValidate>
        <PasswordField
          label={r.oldPassword}
          name="old-password"
          kind="current-password"
          value={old}
          error={form.errorOf("old-password")}
          onInput={(value) => {
            setOld(value);
            form.touch();
          }}
        />
        <PasswordField
          label={r.newPassword}
          hint={r.passwordHint}
          name="new-password"
          kind="new-password"
          value={next}
          error={form.errorOf("new-password")}
          onInput={(value) => {
            setNext(value);
            form.touch();
          }}
        />
        <Problem text={form.errorOf("")} />
        <button type="submit" class="button button-small" aria-disabled={form.busy}>
          {r.changePassword}
        </button>
      </form>
    </section>
  );
}
