/**
 * Logging in at a provider: a real one (oidc-provider), a real browser, and what is done to the way back.
 * What an ID token must have is tried one by one in `src/auth/providers/tests.rs`.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { EMAIL, OpenIdProvider, SECRET } from "../provider.mjs";
import { Server } from "../server.mjs";
import { eventually, inRoom, suite } from "./harness.mjs";

const CLIENTS = [
  { id: "chat", callback: "work", token_endpoint_auth_method: "client_secret_basic" },
  { id: "chat-eddsa", callback: "eddsa", id_token_signed_response_alg: "EdDSA" },
  { id: "chat-oauth", callback: "forum", token_endpoint_auth_method: "client_secret_post" },
];

suite("Logging in elsewhere", (house) => {
  const provider = new OpenIdProvider();

  before(async () => {
    await provider.listen();
    const server = new Server({}, settings(provider.url));
    await house.moveTo(server);
    await server.start();
    provider.serve(server.url, CLIENTS);
  });
  after(() => provider.close());

  test("lists the providers", async () => {
    const { providers } = await house.call("GET", "/api/auth/providers");
    assert.deepEqual(providers, [
      { id: "work", name: "Work" },
      { id: "eddsa", name: "eddsa" },
      { id: "forum", name: "The forum" },
    ]);
  });

  test("whoever comes first chooses a nickname and is known from then on", async () => {
    const page = await arrive(house, "work", "ada");
    assert.deepEqual(await call(page, "GET", "/api/auth/registration"), [200, { nickname: "ada" }]);
    assert.equal((await call(page, "POST", "/api/auth/registration", { nickname: "a\u0007" }))[0], 422);
    const [status, session] = await call(page, "POST", "/api/auth/registration", { nickname: "Countess" });
    assert.equal(status, 201);
    assert.equal(session.user.nickname, "Countess");
    assert.equal(session.refresh_token, undefined, "it is in the cookie");
    const me = await house.call("GET", "/api/users/me", { token: session.access_token });
    assert.deepEqual([me.id, me.role], [session.user.id, "user"]);
    const [, refreshed] = await call(page, "POST", "/api/sessions/refresh", {});
    assert.equal(refreshed.user.id, session.user.id);
    assert.equal((await call(page, "POST", "/api/auth/registration", { nickname: "Again" }))[0], 403, "once");

    const other = await arrive(house, "work", "ada", { known: true });
    const [, again] = await call(other, "POST", "/api/sessions/refresh", {});
    assert.equal(again.user.id, session.user.id);
    assert.equal(again.user.nickname, "Countess");
  });

  test("the page offers the providers, proposes the nickname one has there, and lets one in from then on", async () => {
    await house.call("POST", "/api/users", { body: { nickname: "Hedda" } });
    const page = await house.visitor();
    await goTo(page, "hedda");
    const nickname = page.getByLabel("Nickname");
    await page.getByText("One thing is missing").waitFor();
    await eventually(async () => assert.equal(await nickname.inputValue(), "hedda"));
    await page.getByText("Somebody already goes by that name").waitFor();
    assert.doesNotMatch(page.url(), /#/);
    await nickname.fill("Hedda of work");
    await page.getByRole("button", { name: "Start chatting" }).click();
    await page.getByText("Signed in as Hedda of work").waitFor();
    await page.getByRole("button", { name: "Log out", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Log out" }).click();
    // The provider knows who that is, and asks nothing.
    await page.getByRole("link", { name: "Continue with Work" }).click();
    await page.getByText("Signed in as Hedda of work").waitFor();
    assert.doesNotMatch(page.url(), /#/);
    await page.reload();
    await page.getByText("Signed in as Hedda of work").waitFor();
  });

  test("an invitation outlives the way to a provider and back", async () => {
    const { token, room } = await house.host("Hostess", "Salon of letters");
    const link = await house.call("POST", `/api/rooms/${room.id}/invitation-links`, { token, body: {} });
    const page = await house.visitor();
    await page.goto(`/#invite=${link.token}`);
    await page.reload();
    await page.getByText("You are invited to a room.").waitFor();
    await goTo(page, "ingrid");
    await page.getByLabel("Nickname").fill("Ingrid");
    await page.getByRole("button", { name: "Start chatting" }).click();
    await inRoom(page, "Salon of letters");
  });

  test("a login that nobody began says so at the entrance", async () => {
    const page = await house.visitor();
    for (const fragment of ["#login", "#choose-nickname"]) {
      await page.goto("about:blank");
      await page.goto(`/${fragment}`);
      await page.getByRole("alert").getByText("Logging in elsewhere did not work.").waitFor();
      await page.getByRole("button", { name: "Start chatting" }).waitFor();
    }
  });

  test("cookies are for no script, and no token is in an address or the log", async () => {
    const page = await arrive(house, "work", "grace");
    await register(page, "Grace");
    assert.equal(await page.evaluate(() => document.cookie), "");
    const cookies = await page.context().cookies(house.server.url + "/api/sessions");
    const kept = cookies.find(({ name }) => name === "klatsch_refresh");
    assert.deepEqual([kept.httpOnly, kept.sameSite, kept.path], [true, "Lax", "/api/sessions"]);
    for (const secret of [SECRET, kept.value, "eyJ"]) {
      assert.ok(!house.server.output.includes(secret), `${secret} is in the log`);
    }
    const asked = provider.asked.join("\n");
    assert.ok(asked.includes("code_challenge_method=S256") && asked.includes("nonce="), asked);
    assert.ok(!asked.includes("code_verifier") && !asked.includes("access_token"), asked);
  });

  test("the same verified e-mail at another provider, or in an account, is somebody else", async () => {
    const account = { login: "bob", password: "a rather long pass phrase", nickname: "Bob", email: EMAIL };
    const made = await house.call("POST", "/api/accounts", { body: account });
    const ids = new Set([made.user.id]);
    for (const [id, nickname] of [["work", "Bob at work"], ["forum", "Bob in the forum"], ["eddsa", "Bob again"]]) {
      const page = await arrive(house, id, `bob of ${id}`);
      const [status, session] = await register(page, nickname);
      assert.equal(status, 201, JSON.stringify(session));
      ids.add(session.user.id);
    }
    assert.equal(ids.size, 4);
  });

  test("a provider without OpenID Connect is asked who somebody is", async () => {
    const page = await arrive(house, "forum", "carl");
    const [, session] = await register(page, "Carl");
    const other = await arrive(house, "forum", "carl", { known: true });
    const [, again] = await call(other, "POST", "/api/sessions/refresh", {});
    assert.equal(again.user.id, session.user.id);
  });

  test("an ID token signed with EdDSA is believed, too", async () => {
    const page = await arrive(house, "eddsa", "dora");
    assert.equal((await register(page, "Dora"))[0], 201);
  });

  test("a nickname that somebody has can be chosen differently", async () => {
    await house.call("POST", "/api/users", { body: { nickname: "Emil" } });
    const page = await arrive(house, "work", "emil");
    const [status, problem] = await register(page, "EMIL");
    assert.deepEqual([status, problem.code, problem.field], [409, "nickname_taken", "nickname"]);
    assert.equal((await register(page, "Emil of work"))[0], 201);
  });

  test("who says no at the provider is told so", async () => {
    const page = await house.visitor();
    await page.goto("/api/auth/login/work");
    await page.getByRole("link", { name: /cancel/i }).click();
    await isRefused(page, "access was denied");
  });

  test("another state is refused with a page that says why", async () => {
    const page = await house.visitor();
    const back = await wayBack(page, provider, "work", "frida");
    await page.goto(changed(back, (query) => query.set("state", "another-state")));
    await isRefused(page, "not known here");
  });

  test("another nonce is refused with a page that says why", async () => {
    const page = await house.visitor();
    await logIn(page, "work", "frida", { change: (query) => query.set("nonce", "another-nonce") });
    await isRefused(page, "belongs to another login");
  });

  test("another challenge is refused with a page that says why", async () => {
    const page = await house.visitor();
    await logIn(page, "work", "frida", { change: (query) => query.set("code_challenge", "x".repeat(43)) });
    await isRefused(page, "does not accept the code");
  });

  test("a login that came back does not come back again", async () => {
    const page = await house.visitor();
    const back = await wayBack(page, provider, "work", "frida");
    await page.goto(back);
    const cookies = await page.context().cookies(`${house.server.url}/api/auth`);
    assert.ok(cookies.some(({ name }) => name === "klatsch_registration"), "the first one was let in");
    await page.goto(back);
    await isRefused(page, "used already");
  });

  test("a code that was used is refused in another login", async () => {
    const page = await house.visitor();
    const used = new URL(await wayBack(page, provider, "work", "frida"));
    await page.goto(used.href);
    const fresh = await wayBack(page, provider, "work", "frida");
    await page.goto(changed(fresh, (query) => query.set("code", used.searchParams.get("code"))));
    await isRefused(page, "does not accept the code");
  });

  test("a login of one browser lets nobody in in another", async () => {
    const thief = await house.visitor();
    const back = await wayBack(thief, provider, "work", "frida");
    const victim = await house.visitor();
    await victim.goto(back);
    await isRefused(victim, "another browser");
    assert.deepEqual(await victim.context().cookies(`${house.server.url}/api/sessions`), []);
  });

  test("an answer of another issuer is refused", async () => {
    const page = await house.visitor();
    const back = await wayBack(page, provider, "work", "frida");
    await page.goto(changed(back, (query) => query.set("iss", "https://evil.example")));
    await isRefused(page, "another provider");
  });

  test("what an address says is never in the page that refuses it", async () => {
    const page = await house.visitor();
    for (const query of ["error=<script>alert(1)</script>&state=x", "state=<img src=x onerror=alert(1)>", ""]) {
      const answer = await page.goto(`/api/auth/callback/work?${query}`);
      const html = await answer.text();
      assert.equal(answer.status(), 403);
      assert.ok(!/<script|<img|alert/.test(html), html);
      assert.match(answer.headers()["content-security-policy"], /default-src 'none'/);
    }
    assert.equal((await page.goto("/api/auth/login/nobody")).status(), 404);
  });

  test("nobody is sent to another place after a login", async () => {
    for (const [asked, expected] of [["/docs/x?a=b", "/docs/x?a=b"], ["//evil.example", "/"], ["https://evil.example", "/"]]) {
      const page = await house.visitor();
      const back = await wayBack(page, provider, "work", "frida", `?return=${encodeURIComponent(asked)}`);
      const answer = await page.request.get(back, { maxRedirects: 0 });
      assert.equal(answer.status(), 303);
      assert.equal(answer.headers().location, `${expected}#choose-nickname`);
    }
  });
});

/** The settings of a chat where one can log in at this provider in three ways. */
function settings(url) {
  return `
[[auth.providers]]
id = "work"
name = "Work"
issuer = "${url}"
client_id = "chat"
client_secret = "${SECRET}"

[[auth.providers]]
id = "eddsa"
issuer = "${url}"
client_id = "chat-eddsa"
client_secret = "${SECRET}"

[[auth.providers]]
id = "forum"
name = "The forum"
issuer = "https://forum.example"
authorization_url = "${url}/auth"
token_url = "${url}/token"
userinfo_url = "${url}/me"
client_auth = "post"
scopes = ["openid", "profile"]
claims = { id = "sub", nickname = "preferred_username" }
client_id = "chat-oauth"
client_secret = "${SECRET}"
`;
}

/** Logs in as somebody at the provider; `change` may change what that is asked. */
async function logIn(page, id, person, { query = "", change } = {}) {
  const path = `/api/auth/login/${id}${query}`;
  if (change === undefined) {
    await page.goto(path);
  } else {
    const sent = await page.request.get(path, { maxRedirects: 0 });
    await page.goto(changed(sent.headers().location, change));
  }
  await signInAt(page, person);
}

/** Goes to the provider from the entrance, and logs in there. */
async function goTo(page, person) {
  await page.getByRole("link", { name: "Continue with Work" }).click();
  await page.getByPlaceholder("Enter any login").waitFor();
  await signInAt(page, person);
}

/** Says at the provider, which has been gone to, who one is; it may know already. */
async function signInAt(page, person) {
  const login = page.getByPlaceholder("Enter any login");
  if (await login.isVisible()) {
    await login.fill(person);
    await page.getByPlaceholder("and password").fill("any");
    await page.getByRole("button", { name: "Sign-in" }).click();
    await page.getByRole("button", { name: "Continue" }).waitFor();
  }
  const consent = page.getByRole("button", { name: "Continue" });
  if (await consent.isVisible()) await consent.click();
}

/** Somebody who has logged in at a provider, back at the chat. */
async function arrive(house, id, person, { known = false } = {}) {
  const page = await house.visitor();
  const back = page.waitForResponse((response) => response.url().includes(`/api/auth/callback/${id}`));
  await logIn(page, id, person);
  const answer = await back;
  assert.equal(answer.status(), 303, await page.content());
  assert.equal(answer.headers().location, known ? "/#login" : "/#choose-nickname");
  return page;
}

/** The address that the provider sends somebody back to, which the browser has not followed yet. */
async function wayBack(page, provider, id, person, query) {
  provider.keeps = true;
  try {
    await logIn(page, id, person, { query });
    await page.getByText("kept", { exact: true }).waitFor();
  } finally {
    provider.keeps = false;
  }
  return provider.wayBack;
}

async function isRefused(page, why) {
  await page.getByRole("heading", { name: "You are not logged in" }).waitFor();
  assert.ok((await page.locator("body").innerText()).includes(why), await page.locator("body").innerText());
  assert.equal(await page.locator("script, style, [style]").count(), 0);
  await page.getByRole("link", { name: "Back to the chat" }).waitFor();
}

function register(page, nickname) {
  return call(page, "POST", "/api/auth/registration", { nickname });
}

/** Calls the chat as its page does, with the browser's cookies. */
function call(page, ...asked) {
  return page.evaluate(sendFromPage, asked);
}

/** Runs in the page, so it knows nothing of this file. */
async function sendFromPage([method, path, body]) {
  const request = { method };
  if (body !== undefined) Object.assign(request, { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const answer = await fetch(path, request);
  return [answer.status, await answer.json()];
}

function changed(address, change) {
  const url = new URL(address);
  change(url.searchParams);
  return url.href;
}
