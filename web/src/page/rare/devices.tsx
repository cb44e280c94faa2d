/** Where one is logged in, each to be ended but this one. */
import { useEffect, useState } from "preact/hooks";
import { devices, endDevice, type Device } from "../../client/account";
import { formatDate } from "../i18n";
import { announce } from "../model/announce";
import { explain } from "../model/refusals";
import type { Session } from "../model/session";
import { Problem } from "../parts/dialog";
import { rareWords } from "./words";

export function Devices({ session }: { session: Session }) {
  const r = rareWords.value;
  const { caller } = session.client.api;
  const [list, setList] = useState<readonly Device[]>();
  const [problem, setProblem] = useState<string>();

  const load = () =>
    devices(caller).then(
      ({ sessions }) => setList(sessions),
      () => setProblem(r.devicesFailed),
    );
  useEffect(() => void load(), [caller]);

  const end = async ({ id }: Device) => {
    setProblem(undefined);
    try {
      await endDevice(caller, id);
      announce(r.deviceEnded);
    } catch (error) {
      setProblem(explain(error));
    }
    await load();
  };

  return (
    <section>
      <h3>{r.devices}</h3>
      <Problem text={problem} />
      <ul class="entries" tabIndex={-1} aria-label={r.devices}>
        {list?.map((device) => {
          const name = device.device ?? r.unknownDevice;
          return (
            <li key={device.id}>
              <span class="entry-text">
                <bdi>{name}</bdi>
                <small>{device.current ? r.thisDevice : r.lastSeen(formatDate(new Date(device.seen_at)))}</small>
              </span>
              {!device.current && (
                <button
                  type="button"
                  class="button button-small"
                  aria-label={r.endDeviceOf(name)}
                  onClick={(event) => {
                    // The row goes, and the focus would go with it.
                    event.currentTarget.closest<HTMLElement>(".entries")?.focus();
                    void end(device);
                  }}
                >
                  {r.endDevice}
                </button>
              )}
            </li>
          );
        })}
      </ul>
    </section>
  );
}
