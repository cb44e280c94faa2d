/** One line above everything that says the connection is lost, and when it will be tried again. */
import { useEffect, useState } from "preact/hooks";
import { words } from "../i18n";
import { announce } from "../model/announce";
import { connection, wasConnected, type Session } from "../model/session";
import { Icon } from "./icons";

/** A connection that is back sooner than this, in milliseconds, is not worth a word. */
const PATIENCE_MS = 600;

export function Banner({ session }: { session: Session }) {
  const t = words.value;
  const state = connection.value;
  const lost = useLost(state.phase === "connected");
  const now = useNow(state.phase === "waiting");

  if (state.phase === "failed") {
    return (
      <div class="banner banner-bad" role="alert">
        <Icon name="alert" />
        <p>{t.refusals[state.code] ?? `${t.givenUp} (${state.reason})`}</p>
        <button type="button" class="button button-small" onClick={() => session.client.start()}>
          {t.tryNow}
        </button>
      </div>
    );
  }
  if (!lost) return null;
  const seconds = state.phase === "waiting" ? Math.max(0, Math.ceil((state.retryAt - now) / 1000)) : 0;
  return (
    <div class="banner">
      <Icon name="offline" />
      <p>
        <span>{wasConnected.value ? t.connectionLost : t.connecting}</span>{" "}
        <span class="banner-when">{seconds > 0 ? t.reconnectingIn(seconds) : t.connecting}</span>
      </p>
      <button type="button" class="button button-small" onClick={() => session.client.poke()}>
        {t.tryNow}
      </button>
    </div>
  );
}

/** Whether the connection has been away long enough to say so; both changes are announced once. */
function useLost(connected: boolean): boolean {
  const [lost, setLost] = useState(false);
  useEffect(() => {
    if (connected) {
      setLost((before) => {
        if (before && wasConnected.peek()) announce(words.peek().backOnline);
        return false;
      });
      return undefined;
    }
    const timer = setTimeout(() => {
      setLost(true);
      if (wasConnected.peek()) announce(words.peek().connectionLost);
    }, PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [connected]);
  return lost;
}

/** The time, twice a second while `ticking`. */
function useNow(ticking: boolean): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!ticking) return undefined;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [ticking]);
  return now;
}
