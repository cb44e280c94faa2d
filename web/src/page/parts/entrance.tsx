/** The first screen: a nickname, and in. Who has an account, or wants one, finds the way from here. */
import { useEffect, useState } from "preact/hooks";
import { words } from "../i18n";
import { invitation } from "../model/arrival";
import { learnOffers, offeredProviders, offersAccounts } from "../model/offers";
import { threshold } from "../model/session";
import { providerPath } from "../../client/entrance";
import { EnterAsGuest } from "./enter-as-guest";
import { Mark } from "./icons";
import { lazy } from "./lazy";
import { Notice } from "./notice";
import { Preferences } from "./preferences";

const LogIn = lazy(() => import("../rare/log-in").then((file) => file.LogIn));
const SignUp = lazy(() => import("../rare/sign-up").then((file) => file.SignUp));
const ChooseNickname = lazy(() => import("../rare/choose-nickname").then((file) => file.ChooseNickname));

type View = "guest" | "log-in" | "sign-up";

export function Entrance() {
  const t = words.value;
  const [view, setView] = useState<View>("guest");
  const { view: first, code } = threshold.value;
  const invited = invitation.value !== undefined;
  useEffect(() => void learnOffers(), []);

  const change = (next: View) => {
    threshold.value = { view: "guest" };
    setView(next);
  };
  const ways = view === "guest" ? <Ways onChange={change} /> : <Back view={view} onChange={change} />;
  return (
    <main class="sign-in">
      <div class="sign-in-top">
        <Preferences />
      </div>
      <div class="sign-in-card">
        <Notice />
        <Mark />
        <h1>Klatsch</h1>
        {(view === "guest" || first === "nickname") && (
          <p class="sign-in-tagline">{first === "nickname" ? t.chooseNickname : invited ? t.invitedHere : t.tagline}</p>
        )}
        {code !== undefined && (
          <p class="sign-in-note" role="alert">
            {t.refusals[code] ?? t.refusals["login_failed"]}
          </p>
        )}
        {first === "waiting" ? (
          <p role="status">{t.loading}</p>
        ) : first === "nickname" ? (
          <>
            <ChooseNickname />
            <p class="sign-in-switch">
              <AsGuest onChange={change} />
            </p>
          </>
        ) : (
          <>
            {view === "guest" && <EnterAsGuest />}
            {view === "log-in" && <LogIn />}
            {view === "sign-up" && <SignUp />}
            {ways}
          </>
        )}
      </div>
    </main>
  );
}

/** What there is beside going in as a guest; nothing, where the server offers nothing. */
function Ways({ onChange }: { onChange: (view: View) => void }) {
  const t = words.value;
  const providers = offeredProviders.value;
  if (!offersAccounts.value && providers.length === 0) return null;
  return (
    <div class="sign-in-ways">
      {providers.length > 0 && <p class="or">{t.or}</p>}
      {providers.map(({ id, name }) => (
        <a key={id} class="button" href={providerPath(id)}>
          {t.continueWith(name)}
        </a>
      ))}
      {offersAccounts.value && (
        <p class="sign-in-switch">
          <span>{t.hasAccount}</span>
          <button type="button" class="link-button" onClick={() => onChange("log-in")}>
            {t.logIn}
          </button>
          <button type="button" class="link-button" onClick={() => onChange("sign-up")}>
            {t.signUp}
          </button>
        </p>
      )}
    </div>
  );
}

function Back({ view, onChange }: { view: View; onChange: (view: View) => void }) {
  const t = words.value;
  const other = view === "log-in" ? "sign-up" : "log-in";
  return (
    <p class="sign-in-switch">
      <AsGuest onChange={onChange} />
      <button type="button" class="link-button" onClick={() => onChange(other)}>
        {other === "log-in" ? t.logIn : t.signUp}
      </button>
    </p>
  );
}

function AsGuest({ onChange }: { onChange: (view: View) => void }) {
  return (
    <button type="button" class="link-button" onClick={() => onChange("guest")}>
      {words.value.asGuest}
    </button>
  );
}
