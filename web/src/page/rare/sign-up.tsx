/** Making an account at the entrance. */
import { words } from "../i18n";
import { anonymous, beginAccount } from "../model/session";
import { NewAccount } from "./new-account";
import "./rare.css";

export function SignUp() {
  const t = words.value;
  return (
    <>
      <h2>{t.signUp}</h2>
      <NewAccount caller={anonymous} guest="has-none" action={t.signUp} onDone={beginAccount} />
    </>
  );
}
