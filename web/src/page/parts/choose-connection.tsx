/** How to be connected: a native choice with its label. */
import { useId } from "preact/hooks";
import type { Choice } from "../../client";
import { words } from "../i18n";
import { choice, CHOICES, choose } from "../model/choice";

export function ChooseConnection() {
  const t = words.value;
  const id = useId();
  return (
    <div class="choose-connection">
      <label for={id}>{t.connection}</label>
      <select id={id} value={choice.value} onChange={(event) => choose(event.currentTarget.value as Choice)}>
        {CHOICES.map((one) => (
          <option key={one} value={one}>
            {one === "auto" ? t.automatic : t.ways[one]}
          </option>
        ))}
      </select>
    </div>
  );
}
