/** What one can do about somebody in a room: write to them, and what the own role allows. */
import { useEffect, useState } from "preact/hooks";
import type { Member, Standing } from "../../client";
import { directWith } from "../../client/invitations";
import * as moderation from "../../client/moderation";
import { formatUntil, words } from "../i18n";
import { announce } from "../model/announce";
import { addOwnRoom } from "../model/own-rooms";
import { mayAppoint, mayModerate, type Actor } from "../model/powers";
import { explain } from "../model/refusals";
import { goToRoom } from "../model/route";
import type { Session } from "../model/session";
import { muteOf } from "../model/standing";
import { Avatar } from "../parts/avatar";
import { Dialog, Problem } from "../parts/dialog";
import { DenialForm, type Asked } from "./denial-form";
import { rareWords } from "./words";
import "./rare.css";

interface PersonProps {
  session: Session;
  room: string;
  person: Member;
  actor: Actor;
  onClose: () => void;
}

/** What asks for more before it is done. */
type Step = "kick" | "mute" | "ban" | "server-ban" | "hand-over";

export function Person({ session, room, person, actor, onClose }: PersonProps) {
  const t = words.value;
  const r = rareWords.value;
  const { caller } = session.client.api;
  const [step, setStep] = useState<Step>();
  const [standing, setStanding] = useState<Standing>();
  const [problem, setProblem] = useState<string>();
  const [banned, setBanned] = useState(false);
  const moderates = mayModerate(actor, person);
  const appoints = mayAppoint(actor, person);

  // Whether somebody is muted no list of members tells.
  useEffect(() => {
    if (moderates) moderation.standingOf(caller, room, person.id).then(setStanding, () => undefined);
  }, [caller, room, person.id, moderates]);
  const mute = muteOf(standing, Date.now());

  const attempt = (work: () => Promise<unknown>) => {
    setProblem(undefined);
    work().then(onClose, (error: unknown) => setProblem(explain(error)));
  };
  const writeDirectly = async () => {
    const direct = await directWith(caller, person.nickname);
    addOwnRoom(direct);
    goToRoom(direct.id);
  };

  if (step !== undefined) {
    const { id } = person;
    const deeds: Record<Step, (asked: Asked) => Promise<unknown>> = {
      kick: ({ reason }) => moderation.kick(caller, room, id, reason),
      mute: (asked) => moderation.mute(caller, room, id, asked),
      ban: (asked) => moderation.ban(caller, room, id, asked),
      "server-ban": (asked) => moderation.banFromServer(caller, id, asked),
      "hand-over": () => moderation.setRole(caller, room, id, "owner"),
    };
    const after = () => {
      if (step !== "server-ban") onClose();
      else {
        setStep(undefined);
        setBanned(true);
        announce(r.serverBanned(person.nickname));
      }
    };
    return (
      <Dialog key={step} title={<Who person={person} />} large onClose={onClose}>
        <DenialForm step={step} nickname={person.nickname} onBack={() => setStep(undefined)} onSend={deeds[step]} onDone={after} />
      </Dialog>
    );
  }
  return (
    <Dialog key="menu" title={<Who person={person} />} large onClose={onClose}>
      <p class="person-role">
        {t.roles[person.role ?? "member"]}
        {mute !== undefined && ` · ${r.isMuted} ${mute.until === undefined ? t.forGoodThen : t.untilThen(formatUntil(mute.until))}`}
      </p>
      <Problem text={problem} />
      {banned && <p class="done">{r.serverBanned(person.nickname)}</p>}
      <div class="deeds">
        <Deed text={r.writeDirectly} onClick={() => attempt(writeDirectly)} />
        {appoints && person.role !== "moderator" && (
          <Deed text={r.makeModerator} onClick={() => attempt(() => moderation.setRole(caller, room, person.id, "moderator"))} />
        )}
        {appoints && person.role === "moderator" && (
          <Deed text={r.makeMember} onClick={() => attempt(() => moderation.setRole(caller, room, person.id, "member"))} />
        )}
        {moderates && mute === undefined && <Deed text={r.mute} onClick={() => setStep("mute")} />}
        {moderates && mute !== undefined && (
          <Deed text={r.unmute} onClick={() => attempt(() => moderation.unmute(caller, room, person.id))} />
        )}
        {moderates && <Deed text={r.kick} onClick={() => setStep("kick")} />}
        {moderates && <Deed text={r.ban} grave onClick={() => setStep("ban")} />}
        {appoints && <Deed text={r.handOver} grave onClick={() => setStep("hand-over")} />}
        {actor.admin && !banned && <Deed text={r.serverBan} grave onClick={() => setStep("server-ban")} />}
        {banned && <Deed text={r.liftServerBan} onClick={() => attempt(() => moderation.unbanFromServer(caller, person.id))} />}
      </div>
    </Dialog>
  );
}

function Who({ person }: { person: Member }) {
  return (
    <span class="who">
      <Avatar id={person.id} nickname={person.nickname} />
      <bdi>{person.nickname}</bdi>
    </span>
  );
}

function Deed({ text, grave, onClick }: { text: string; grave?: true; onClick: () => void }) {
  return (
    <button type="button" class={grave ? "button button-danger" : "button"} onClick={onClick}>
      {text}
    </button>
  );
}
