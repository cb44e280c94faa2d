/** One line above everything that says what is wrong with the connection, and when it will be tried again. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { ConnectionState } from "../../client";
import { words } from "../i18n";
import { announce } from "../model/announce";
import { choose } from "../model/choice";
import { explain } from "../model/refusals";
import { banned, connection, wasConnected, type Session } from "../model/session";
import { Icon } from "./icons";

/** A connection that is back sooner than this, in milliseconds, is not worth a word. */
const PATIENCE_MS = 600;

export function Banner({ session }: { session: Session }) {
  const t = words.value;
  const state = connection.value;
  const lost = useLost(state);
  const now = useNow(state.phase === "waiting");

  if (state.phase === "failed") {
    return (
      <div class="banner banner-bad" role="alert">
        <Icon name="alert" />
        <p>{banned.value === undefined ? (t.refusals[state.code] ?? `${t.givenUp} (${state.reason})`) : explain(banned.value)}</p>
        <button type="button" class="button button-small" onClick={() => session.client.start()}>
          {t.tryNow}
        </button>
      </div>
    );
  }
  if (state.phase !== "idle" && state.obstructed !== undefined) {
    return (
      <div class="banner" role="alert">
        <Icon name="offline" />
        <p>{t.obstructed(t.ways[state.obstructed])}</p>
        <button type="button" class="button button-small" onClick={() => choose("auto")}>
          {t.useAutomatic}
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

/** Whether the connection has been away long enough to say so; that, and what it is like when it is back, is announced. */
function useLost(state: ConnectionState): boolean {
  const [lost, setLost] = useState(false);
  const before = useRef<{ way: string | undefined; lost: boolean }>({ way: undefined, lost: false });
  const way = state.phase === "connected" ? state.way : undefined;
  useEffect(() => {
    const t = words.peek();
    if (way !== undefined) {
      const news = [
        ...(before.current.lost ? [t.backOnline] : []),
        ...(before.current.way !== undefined && before.current.way !== way ? [t.connectedBy(t.ways[way])] : []),
      ];
      if (news.length > 0) announce(news.join(" "));
      before.current = { way, lost: false };
      setLost(false);
      return undefined;
    }
    const timer = setTimeout(() => {
      setLost(true);
      before.current.lost = wasConnected.peek();
      if (wasConnected.peek()) announce(t.connectionLost);
    }, PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [way]);
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
