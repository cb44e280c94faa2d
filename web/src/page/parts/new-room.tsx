/** The dialog that makes a room; a name that is taken becomes the offer to enter that room. */
import { useRef, useState } from "preact/hooks";
import { asRefusal, type KlatschClient, type Room, type Visibility } from "../../client";
import { words } from "../i18n";
import { knowsOwnRooms } from "../model/own-rooms";
import { explain } from "../model/refusals";
import { makeRoom } from "../model/rooms";
import { goToRoom } from "../model/route";
import { Dialog } from "./dialog";
import { Field } from "./field";

interface NewRoomProps {
  client: KlatschClient;
  /** What the name begins with, for instance the text of a search. */
  suggestion: string;
  onClose: () => void;
}

const KINDS = ["public", "private"] as const satisfies readonly Visibility[];
type Kind = (typeof KINDS)[number];

type Problem = { kind: "empty" } | { kind: "refused"; error: unknown };

export function NewRoom({ client, suggestion, onClose }: NewRoomProps) {
  const t = words.value;
  const [name, setName] = useState(suggestion);
  const [visibility, setVisibility] = useState<Kind>("public");
  const [problem, setProblem] = useState<Problem>();
  const input = useRef<HTMLInputElement>(null);
  const busy = useRef(false);

  const enter = (id: string) => {
    onClose();
    goToRoom(id);
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy.current) return;
    if (name.trim() === "") {
      setProblem({ kind: "empty" });
      input.current?.focus();
      return;
    }
    busy.current = true;
    try {
      const room = await makeRoom(client, name.trim(), visibility === "public" ? undefined : visibility);
      enter(room.id);
    } catch (error) {
      setProblem({ kind: "refused", error });
      input.current?.focus();
    } finally {
      busy.current = false;
    }
  };

  const taken = problem?.kind === "refused" ? takenRoom(problem.error) : undefined;
  return (
    <Dialog title={t.newRoom} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)} noValidate>
        <Field
          label={t.roomName}
          hint={visibility === "private" ? t.privateNameHint : t.roomNameHint}
          value={name}
          maxLength={80}
          inputRef={input}
          error={problem && describe(problem)}
          onInput={(value) => {
            setName(value);
            setProblem(undefined);
          }}
        />
        {knowsOwnRooms.value === true && (
          <fieldset class="choices">
            <legend>{t.whoMayEnter}</legend>
            {KINDS.map((kind) => (
              <label key={kind}>
                <input type="radio" name="visibility" checked={kind === visibility} onChange={() => setVisibility(kind)} />
                {t.visibilities[kind]}
              </label>
            ))}
          </fieldset>
        )}
        <div class="dialog-actions">
          <button type="button" class="button" onClick={onClose}>
            {t.cancel}
          </button>
          {taken === undefined ? (
            <button type="submit" class="button button-primary">
              {t.create}
            </button>
          ) : (
            <button type="button" class="button button-primary" onClick={() => enter(taken.id)}>
              {t.enterExisting}
            </button>
          )}
        </div>
      </form>
    </Dialog>
  );
}

function describe(problem: Problem): string {
  const t = words.value;
  if (problem.kind === "empty") return t.roomNameEmpty;
  const taken = takenRoom(problem.error);
  if (taken !== undefined) return t.roomNameTaken(taken.name);
  return asRefusal(problem.error).code === "invalid" ? t.roomNameInvalid : explain(problem.error);
}

function takenRoom(error: unknown): Room | undefined {
  const refusal = asRefusal(error);
  return refusal.code === "room_name_taken" ? (refusal.details["room"] as Room | undefined) : undefined;
}
