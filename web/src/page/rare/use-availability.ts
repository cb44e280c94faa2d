/** Whether what somebody types as a nickname or login is free, asked a little after they pause. */
import { useEffect, useState } from "preact/hooks";
import { availability, type Availability } from "../../client/entrance";
import { anonymous } from "../model/session";

const PAUSE_MS = 350;

/** Undefined while it is not known. */
export function useAvailability(what: "nickname" | "login", value: string): Availability | undefined {
  const [answer, setAnswer] = useState<Availability>();
  const wanted = value.trim();
  useEffect(() => {
    setAnswer(undefined);
    if (wanted === "") return undefined;
    const life = new AbortController();
    const timer = setTimeout(() => {
      // One who cannot be asked now will be when the form is sent.
      availability(anonymous, what, wanted, life.signal).then(
        (known) => {
          if (!life.signal.aborted) setAnswer(known);
        },
        () => undefined,
      );
    }, PAUSE_MS);
    return () => {
      life.abort();
      clearTimeout(timer);
    };
  }, [what, wanted]);
  return answer;
}
