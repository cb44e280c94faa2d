/** What owners and moderators see of a room beside its talk: who may come in, who is kept from what, and its end. */
import { useState } from "preact/hooks";
import type { Room } from "../../client";
import { invite } from "../../client/invitations";
import { closeRoom } from "../../client/moderation";
import { words } from "../i18n";
import { announce } from "../model/announce";
import { lookAgain } from "../model/own-rooms";
import { mayOwn, type Actor } from "../model/powers";
import { explain } from "../model/refusals";
import { titleOf } from "../model/room-title";
import type { Session } from "../model/session";
import { Dialog, Problem } from "../parts/dialog";
import { Field } from "../parts/field";
import { DeniedPeople } from "./denied-people";
import { Links } from "./links";
import { useForm, Wrong } from "./use-form";
import { rareWords } from "./words";
import "./rare.css";

interface LookAfterProps {
  session: Session;
  room: Room;
  actor: Actor;
  onClose: () => void;
}

export function LookAfter({ session, room, actor, onClose }: LookAfterProps) {
  const { caller } = session.client.api;
  return (
    <Dialog title={<bdi>{titleOf(room)}</bdi>} large onClose={onClose}>
      <Invite session={session} room={room} />
      <Links caller={caller} room={room.id} />
      <DeniedPeople caller={caller} room={room.id} what="mutes" />
      <DeniedPeople caller={caller} room={room.id} what="bans" />
      {mayOwn(actor) && <Close session={session} room={room} onClose={onClose} />}
    </Dialog>
  );
}

function Invite({ session, room }: { session: Session; room: Room }) {
  const r = rareWords.value;
  const [nickname, setNickname] = useState("");
  const [done, setDone] = useState<string>();
  const form = useForm({
    send: async () => {
      const wanted = nickname.trim();
      if (wanted === "") throw new Wrong("nickname", words.value.nicknameEmpty);
      await invite(session.client.api.caller, room.id, wanted);
      setNickname("");
      setDone(r.invited(wanted));
    },
    place: (refusal) => ["nickname", explain(refusal)],
  });
  return (
    <section>
      <h3>{r.invite}</h3>
      <form class="in-line" onSubmit={form.submit} noValidate>
        <Field
          label={r.inviteNickname}
          name="nickname"
          maxLength={32}
          value={nickname}
          error={form.errorOf("nickname")}
          praise={done}
          onInput={(value) => {
            setNickname(value);
            setDone(undefined);
            form.touch();
          }}
        />
        <button type="submit" class="button" aria-disabled={form.busy}>
          {r.inviteNow}
        </button>
      </form>
    </section>
  );
}

function Close({ session, room, onClose }: { session: Session; room: Room; onClose: () => void }) {
  const r = rareWords.value;
  const [sure, setSure] = useState(false);
  const [problem, setProblem] = useState<string>();
  const close = () =>
    closeRoom(session.client.api.caller, room.id).then(
      () => {
        announce(words.peek().closedHere);
        lookAgain();
        onClose();
      },
      (error: unknown) => setProblem(explain(error)),
    );
  return (
    <section>
      <h3>{r.close}</h3>
      <p>{r.closeText}</p>
      <Problem text={problem} />
      {sure ? (
        <div class="dialog-actions">
          <button type="button" class="button" onClick={() => setSure(false)}>
            {words.value.cancel}
          </button>
          <button type="button" class="button button-danger" onClick={() => void close()}>
            {r.closeNow}
          </button>
        </div>
      ) : (
        <button type="button" class="button button-small button-danger" onClick={() => setSure(true)}>
          {r.close}
        </button>
      )}
    </section>
  );
}
