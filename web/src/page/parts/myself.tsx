/** The foot of the left side: as whom one is here, what one prefers, and the ways to the account and out. */
import { useState } from "preact/hooks";
import { words } from "../i18n";
import { explain } from "../model/refusals";
import { forgetGuest, isAdmin, logOut, me, type Session } from "../model/session";
import { Avatar } from "./avatar";
import { ChooseConnection } from "./choose-connection";
import { Confirm } from "./dialog";
import { Icon } from "./icons";
import { lazy } from "./lazy";
import { Preferences } from "./preferences";

const Account = lazy(() => import("../rare/account").then((file) => file.Account));

export function Myself({ session }: { session: Session }) {
  const t = words.value;
  const [open, setOpen] = useState<"account" | "leave">();
  const { id, nickname } = me.value ?? session.user;
  const close = () => setOpen(undefined);
  const out = session.account ? t.logOut : t.signOut;
  return (
    <footer class="me">
      <div class="me-who">
        <Avatar id={id} nickname={nickname} />
        <span class="visually-hidden">{t.signedInAs(nickname)}</span>
        <bdi class="me-name" aria-hidden="true">
          {nickname}
        </bdi>
        {isAdmin.value && <span class="tag">{t.admin}</span>}
        {/* A server that tells what one is has accounts. */}
        {me.value?.role !== undefined && (
          <button type="button" class="icon-button" aria-label={t.account} title={t.account} onClick={() => setOpen("account")}>
            <Icon name="gear" />
          </button>
        )}
        <button type="button" class="icon-button" aria-label={out} title={out} onClick={() => setOpen("leave")}>
          <Icon name="leave" />
        </button>
      </div>
      <Preferences />
      <ChooseConnection />
      {open === "account" && <Account session={session} onClose={close} />}
      {open === "leave" && <Leave session={session} nickname={nickname} onClose={close} />}
    </footer>
  );
}

/** A guest's key is gone with the device's memory of it; an account can be logged in to again. */
function Leave({ session, nickname, onClose }: { session: Session; nickname: string; onClose: () => void }) {
  const t = words.value;
  const [problem, setProblem] = useState<string>();
  if (!session.account) {
    return (
      <Confirm
        title={t.signOutQuestion}
        text={t.signOutWarning(nickname)}
        confirm={t.signOut}
        cancel={t.cancel}
        onConfirm={forgetGuest}
        onCancel={onClose}
      />
    );
  }
  return (
    <Confirm
      title={t.logOutQuestion}
      text={t.logOutWarning}
      confirm={t.logOut}
      cancel={t.cancel}
      error={problem}
      onConfirm={() => void logOut().catch((error: unknown) => setProblem(explain(error)))}
      onCancel={onClose}
    />
  );
}
