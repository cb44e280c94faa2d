/**
 * Who uses the page now, as a guest or with an account, and the client that speaks for them.
 * The short-lived token of an account stands nowhere but in that client.
 */
import { computed, effect, signal, untracked } from "@preact/signals";
import {
  Api,
  asRefusal,
  Caller,
  KlatschClient,
  Refusal,
  type ConnectionState,
  type Grant,
  type Identity as Credentials,
  type Me,
  type User,
} from "../../client";
import { logOut as endLogin } from "../../client/account";
import { grantOf, refresh, type Login } from "../../client/entrance";
import { takeArrival } from "./arrival";
import { choice } from "./choice";
import { forgetIdentity, secretFor, secretUsed, storedIdentity, storeIdentity, type Guest } from "./identity";
import { dropReadMarks } from "./read-marks";
import { onChangedElsewhere } from "./storage";

export interface Session {
  user: User;
  client: KlatschClient;
  account: boolean;
}

/**
 * What the entrance shows first: `guest`, the usual; `waiting` for a login that was begun elsewhere; `nickname`, which
 * such a login still lacks. And why somebody is here again, if they were in: the code of a refusal.
 */
export interface Threshold {
  view: "guest" | "waiting" | "nickname";
  code?: string | undefined;
}

export const session = signal<Session | undefined>(undefined);
export const threshold = signal<Threshold>({ view: "guest" });
export const connection = signal<ConnectionState>({ phase: "idle" });
/** Whether there has been a connection since sign-in, so that the first one needs no banner. */
export const wasConnected = signal(false);
/** Oneself, as the server sees one now. */
export const me = signal<Me | undefined>(undefined);
/** Why the server does not let one in at all, in a refusal that says until when. */
export const banned = signal<Refusal | undefined>(undefined);
export const isAdmin = computed(() => me.value?.role === "admin");

/** Calls as nobody in particular: what one does before one is anybody. */
export const anonymous = new Caller({ url: location.origin });

/** Goes on as whoever used this device before, if somebody did, or has just logged in elsewhere. */
export function resumeSession(): void {
  const arrival = takeArrival();
  if (arrival?.kind === "login") {
    void resumeLogin();
    return;
  }
  if (arrival?.kind === "nickname") {
    threshold.value = { view: "nickname" };
    return;
  }
  const identity = storedIdentity();
  if (identity === undefined) return;
  if ("account" in identity) begin(identity.user, true, { renew: renewOf(identity.user.id) });
  else beginGuest(identity);
}

/** Takes a nickname as a guest. Rejects with a `Refusal`, for instance `nickname_taken`. */
export async function signIn(nickname: string): Promise<void> {
  const secret = secretFor(nickname);
  const { user, token } = await new Api(anonymous).signIn(nickname, secret);
  const identity = { nickname: user.nickname, secret, token, user };
  storeIdentity(identity);
  secretUsed();
  beginGuest(identity);
}

/** Goes on with an account that was logged in to just now; a guest who was here has become it or makes room for it. */
export function beginAccount(login: Login): void {
  const { user } = login;
  if (session.peek()?.user.id !== user.id && storedIdentity()?.user.id !== user.id) forgetIdentity();
  session.peek()?.client.stop();
  storeIdentity({ account: true, user });
  begin(user, true, { ...grantOf(login), renew: renewOf(user.id) });
}

/** Forgets a guest's nickname and its key on this device, and ends their token where the server knows how. */
export function forgetGuest(): void {
  const client = session.peek()?.client;
  if (client !== undefined && me.peek()?.role !== undefined) endLogin(client.api.caller).catch(asRefusal);
  leave({ view: "guest" });
}

/** Ends this login. Rejects with a `Refusal` where the server could not be told: then it is not over. */
export async function logOut(): Promise<void> {
  const client = session.peek()?.client;
  if (client === undefined) return;
  await endLogin(client.api.caller).catch((error: unknown) => {
    if (asRefusal(error).code !== "unauthenticated") throw error;
  });
  leave({ view: "guest" });
}

/** We are called otherwise now. */
export function calledNow(nickname: string): void {
  const now = session.peek();
  if (now === undefined) return;
  me.value = { ...(me.peek() ?? now.user), nickname };
  const stored = storedIdentity();
  const user = { id: now.user.id, nickname };
  // A guest comes back by nickname and secret, so the nickname must be the one in force.
  if (stored?.user.id === user.id) storeIdentity({ ...stored, user, ...("account" in stored ? {} : { nickname }) });
}

async function resumeLogin(): Promise<void> {
  threshold.value = { view: "waiting" };
  try {
    beginAccount(await oneTabAtATime(() => refresh(anonymous)));
  } catch (error) {
    const { code } = asRefusal(error);
    threshold.value = { view: "guest", code: code === "unauthenticated" ? "login_failed" : code };
  }
}

function beginGuest({ nickname, secret, token, user }: Guest): void {
  begin(user, false, { nickname, secret, token });
}

function begin(user: User, account: boolean, identity: Credentials): void {
  const client = new KlatschClient({ url: location.origin, identity, choice: choice.peek() });
  wasConnected.value = false;
  connection.value = client.state;
  me.value = user;
  client.on("state", (state) => {
    connection.value = state;
    // The login is over: its device was ended elsewhere, or nobody was here for too long.
    if (account && state.phase === "failed" && state.code === "unauthenticated") {
      leave({ view: "guest", code: "session_ended" });
    }
  });
  client.on("state", (state) => {
    banned.value = undefined;
    // How the connection ended says that one is banned; a call says why, and until when.
    if (state.phase === "failed" && state.code === "banned") client.api.me().catch(learnBan);
  });
  client.on("connected", (now) => {
    wasConnected.value = true;
    const stored = storedIdentity();
    if (stored !== undefined && !("account" in stored)) storeIdentity({ ...stored, token: client.token ?? stored.token, user: now });
    void learnMe(client);
  });
  client.on("renamed", ({ nickname }) => calledNow(nickname));
  session.value = { user, client, account };
  client.start();
}

/** Over with this person, on this device. */
function leave(next: Threshold): void {
  session.value?.client.stop();
  session.value = undefined;
  me.value = undefined;
  threshold.value = next;
  dropReadMarks();
  forgetIdentity();
  location.hash = "";
}

async function learnMe(client: KlatschClient): Promise<void> {
  const now = await client.api.me().catch(() => undefined);
  if (now === undefined || session.peek()?.client !== client) return;
  calledNow(now.nickname);
  me.value = now;
}

function learnBan(error: unknown): void {
  const refusal = asRefusal(error);
  if (refusal.code === "banned") banned.value = refusal;
}

/** New tokens for this account and no other, which somebody may have logged in to in another tab. */
function renewOf(id: string): () => Promise<Grant> {
  return async () => {
    const login = await oneTabAtATime(() => refresh(anonymous));
    if (login.user.id !== id) throw Refusal.unauthenticated();
    return grantOf(login);
  };
}

/** Tabs share one cookie, and each renewal replaces it: they take turns where the browser can arrange that. */
async function oneTabAtATime<Value>(work: () => Promise<Value>): Promise<Value> {
  const locks = (navigator as Partial<Navigator>).locks;
  if (locks === undefined) return work();
  // A tab that hangs must not keep the others out.
  const patience = AbortSignal.timeout(5_000);
  let begun = false;
  const once = () => {
    begun = true;
    return work();
  };
  try {
    return (await locks.request("klatsch.refresh", { signal: patience }, once)) as Value;
  } catch (error) {
    if (begun || !patience.aborted) throw error;
    return work();
  }
}

// Somebody else came or went in another tab: this one follows.
onChangedElsewhere("identity", () => {
  const stored = storedIdentity();
  const now = session.peek();
  if (now === undefined || (stored?.user.id === now.user.id && "account" in stored === now.account)) return;
  now.client.stop();
  session.value = undefined;
  me.value = undefined;
  threshold.value = { view: "guest" };
  dropReadMarks();
  resumeSession();
});

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
