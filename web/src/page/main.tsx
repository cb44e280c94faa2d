/** Starts the page. */
import { render } from "preact";
import "./styles/index.css";
import { App } from "./app";
import { ready } from "./i18n";
import { resumeSession } from "./model/session";

resumeSession();

const root = document.getElementById("app");
void ready.then(() => {
  if (root !== null) render(<App />, root);
});
