/**
 * Who uses the page on this device, and the client that speaks for them.
 * The secret that goes with the nickname is made here and never shown: it is the key to the name.
 */
import { effect, signal, untracked } from "@preact/signals";
import { Api, Caller, KlatschClient, randomId, type ConnectionState, type User } from "../../client";
import { choice } from "./choice";
import { dropReadMarks } from "./read-marks";
import { forget, isRecord, load, save } from "./storage";

interface Identity {
  nickname: string;
  secret: string;
  token: string;
  user: User;
}

const SECRET_LENGTH = 32;

export interface Session {
  user: User;
  client: KlatschClient;
}

export const session = signal<Session | undefined>(undefined);
export const connection = signal<ConnectionState>({ phase: "idle" });
/** Whether there has been a connection since sign-in, so that the first one needs no banner. */
export const wasConnected = signal(false);

/** Goes on as whoever used this device before, if somebody did. */
export function resumeSession(): void {
  const identity = load("identity", isIdentity);
  if (identity !== undefined) begin(identity);
}

/** Takes a nickname. Rejects with a `Refusal`, for instance `nickname_taken`. */
export async function signIn(nickname: string): Promise<void> {
  // A try whose answer was lost must find the same secret again, or it would lock itself out.
  const pending = load("pending", isPending);
  const secret = pending?.nickname === nickname ? pending.secret : randomId(SECRET_LENGTH);
  save("pending", { nickname, secret });
  const { user, token } = await new Api(new Caller({ url: location.origin })).signIn(nickname, secret);
  const identity = { nickname: user.nickname, secret, token, user };
  save("identity", identity);
  forget("pending");
  begin(identity);
}

/** Forgets the nickname and its key on this device. */
export function signOut(): void {
  session.value?.client.stop();
  session.value = undefined;
  dropReadMarks();
  forget("identity");
  forget("rooms");
  forget("read");
  location.hash = "";
}

function begin(identity: Identity): void {
  const { nickname, secret, token, user } = identity;
  const client = new KlatschClient({ url: location.origin, identity: { nickname, secret, token }, choice: choice.peek() });
  wasConnected.value = false;
  connection.value = client.state;
  client.on("state", (state) => {
    connection.value = state;
  });
  client.on("connected", (me) => {
    wasConnected.value = true;
    save("identity", { ...identity, token: client.token ?? token, user: me });
  });
  session.value = { user, client };
  client.start();
}

effect(() => {
  const client = session.value?.client;
  const chosen = choice.value;
  untracked(() => client?.choose(chosen));
});

effect(() => {
  const client = session.value?.client;
  if (client === undefined) return undefined;
  const poke = () => {
    if (document.visibilityState === "visible") client.poke();
  };
  const networkChanged = () => client.networkChanged();
  addEventListener("online", networkChanged);
  addEventListener("offline", networkChanged);
  document.addEventListener("visibilitychange", poke);
  return () => {
    removeEventListener("online", networkChanged);
    removeEventListener("offline", networkChanged);
    document.removeEventListener("visibilitychange", poke);
  };
});

function isIdentity(value: unknown): value is Identity {
  return isRecord(value) && typeof value["token"] === "string" && isUser(value["user"]) && isPending(value);
}

function isPending(value: unknown): value is { nickname: string; secret: string } {
  return isRecord(value) && typeof value["nickname"] === "string" && typeof value["secret"] === "string";
}

function isUser(value: unknown): value is User {
  return isRecord(value) && typeof value["id"] === "string" && typeof value["nickname"] === "string";
}
